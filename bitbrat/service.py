"""A service: a name, its handlers, its settings. What a service author writes starts here.

A *step* is a feature: it returns an outcome and knows no topic but its own. A *consumer* is a piece of the platform
(ingress, auth, router, egress, finalizer, dead letters): it returns the envelope as it leaves.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bitbrat.config import ServiceSettings, settings_class
from bitbrat.context import ServiceContext
from bitbrat.errors import ConfigError
from bitbrat.slip import Role
from bitbrat.step import ConsumerSpec, Effects, Retry, StepSpec, Topics
from bitbrat.topics import COMPLETE, DLQ, Topic, TopicClass, is_topic

F = TypeVar("F", bound=Callable[..., Any])
RouteHandler = Callable[[Any, ServiceContext], Awaitable[Any]]
BackgroundTask = Callable[[ServiceContext], Awaitable[None]]


@dataclass(frozen=True)
class Route:
    """An HTTP route: the handler takes the aiohttp request and a :class:`ServiceContext`."""

    method: str
    path: str
    handler: RouteHandler


@dataclass(frozen=True)
class Manifest:
    """What a service consumes, publishes and needs, as data: topics, docs, schemas and deployments are made from it."""

    service: str
    steps: tuple[tuple[str, str], ...] = ()
    consumes: tuple[Topic, ...] = ()
    publishes: tuple[str, ...] = ()
    routes: tuple[tuple[str, str], ...] = ()
    settings: tuple[str, ...] = ()
    effects: tuple[tuple[str, str], ...] = field(default=())


class Service:
    """One deployable: its ``name`` is also the group under which it reads.

    ``settings`` is a settings class, if it has any: its fields are read from ``BITBRAT_<NAME>__…`` unless it names a prefix
    of its own. ``state`` makes what the service keeps in a process (connections,
    loaded files), which its handlers find as ``ctx.state``.
    """

    def __init__(self, name: str, *, settings: type | None = None, state: Callable[[], Any] | None = None) -> None:
        if not is_topic(f"internal.{name}.v1"):
            raise ConfigError("config.bad", f"{name!r} cannot be the name of a service: lower case letters, digits and dashes")
        self.name = name
        self.settings: type[ServiceSettings] | None = settings_class(name, settings)
        self.state = state
        self.steps: list[StepSpec] = []
        self.consumers: list[ConsumerSpec] = []
        self.routes: list[Route] = []
        self.tasks: list[BackgroundTask] = []

    def step(
        self,
        topic: str,
        *,
        name: str | None = None,
        effects: Effects = "recorded",
        timeout: float | None = None,
        concurrency: int = 16,
        retry: Retry | None = None,
    ) -> Callable[[F], F]:
        """Register a step that listens on ``topic``.

        ``name`` is its id on the slip (default: the middle of the topic); ``timeout`` in seconds (default 30, for a
        transactional step 2). Raises ``config.bad``.
        """
        if not is_topic(topic):
            raise ConfigError("config.bad", f"{topic!r} is not a topic name; it looks like internal.{self.name}.v1")

        def register(handler: F) -> F:
            self.steps.append(
                StepSpec(
                    name=name or topic.split(".", 1)[1].rsplit(".", 1)[0],
                    topic=topic,
                    handler=handler,
                    effects=effects,
                    timeout=_timeout(timeout, effects),
                    concurrency=concurrency,
                    retry=retry or Retry(),
                )
            )
            return handler

        return register

    def consumer(
        self,
        topics: Topics,
        *,
        role: Role,
        effects: Effects = "recorded",
        timeout: float | None = None,
        concurrency: int = 16,
        raw: bool = False,
    ) -> Callable[[F], F]:
        """Register a platform service's consumer in ``role``. ``raw`` hands over the bytes as they came."""

        def register(handler: F) -> F:
            self.consumers.append(
                ConsumerSpec(
                    role=role,
                    topics=topics,
                    handler=handler,
                    effects=effects,
                    timeout=_timeout(timeout, effects),
                    concurrency=concurrency,
                    raw=raw,
                )
            )
            return handler

        return register

    def route(self, method: str, path: str) -> Callable[[F], F]:
        """Register an HTTP route."""

        def register(handler: F) -> F:
            self.routes.append(Route(method, path, handler))
            return handler

        return register

    def background(self, task: BackgroundTask) -> BackgroundTask:
        """Register a task with the life of the service: a connection to the outside, say. It is cancelled at shutdown."""
        self.tasks.append(task)
        return task

    def manifest(self, settings: Any = None) -> Manifest:
        """What this service consumes, publishes and needs, given its settings."""
        consumed = [Topic(step.topic, "step", (self.name,)) for step in self.steps]
        for consumer in self.consumers:
            consumed += [Topic(name, _class(consumer.role), (self.name,)) for name in consumer.names(settings)]
        fields = getattr(self.settings, "model_fields", {})
        prefix = getattr(self.settings, "model_config", {}).get("env_prefix", "")
        return Manifest(
            service=self.name,
            steps=tuple((step.name, step.topic) for step in self.steps),
            consumes=tuple(consumed),
            publishes=(COMPLETE, DLQ),
            routes=tuple((route.method, route.path) for route in self.routes),
            settings=tuple(f"{prefix}{name}".upper() for name in fields),
            effects=tuple((spec.topic, spec.effects) for spec in self.steps)
            + tuple((name, consumer.effects) for consumer in self.consumers for name in consumer.names(settings)),
        )


def _class(role: Role) -> TopicClass:
    if role in ("finalizer", "dlq"):
        return "log"
    return "ingress" if role == "auth" else "step"


def _timeout(timeout: float | None, effects: Effects) -> float:
    if timeout is not None:
        return timeout
    return 2.0 if effects == "transactional" else 30.0

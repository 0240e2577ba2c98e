"""Topic names: their grammar, their classes, and the registry of a deployment.

Source: seed 003 ("Messaging", "Core Services") and ``docs/reference/contract.md`` §2.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from bitbrat.errors import ConfigError, SlipError

TopicClass = Literal["ingress", "step", "log"]
"""``ingress``: the only one that may be full. ``step``: exactly one group. ``log``: kept by limits, several groups."""

INGRESS = "internal.ingress.v1"
AUTHENTICATED = "internal.authenticated.v1"
REROUTE = "internal.reroute.v1"
EGRESS = "internal.egress.v1"
COMPLETE = "internal.complete.v1"
DLQ = "internal.dlq.v1"

GRAMMAR = r"^internal\.[a-z0-9][a-z0-9-]{0,62}(\.[a-z0-9-]{1,63}){0,3}\.v[0-9]{1,3}$"
"""What a topic name may look like; shared by the models, the schemas and the checks."""

_NAME = re.compile(GRAMMAR.replace("$", r"\Z"))
_EGRESS = re.compile(r"^internal\.egress(\.[a-z0-9-]{1,63})?\.v1\Z")


@dataclass(frozen=True)
class Topic:
    """A topic of a deployment: its name, its class, and the groups that read it."""

    name: str
    kind: TopicClass
    groups: tuple[str, ...] = ()


def is_topic(name: str) -> bool:
    """Whether ``name`` follows the grammar. Says nothing about whether such a topic exists."""
    return _NAME.match(name) is not None


def is_egress(name: str) -> bool:
    """Whether replies may be sent to ``name``: ``internal.egress.v1`` or ``internal.egress.<connection>.v1``."""
    return _EGRESS.match(name) is not None


def egress_topic(connection: str = "") -> str:
    """The egress topic of one configured connection, or the common one."""
    return f"internal.egress.{connection}.v1" if connection else EGRESS


def step_topic(step: str) -> str:
    """Where a step named ``step`` listens unless its service says otherwise."""
    return f"internal.{step}.v1"


def platform_role(topic: str) -> str | None:
    """The platform service that reads ``topic``, or None for the topic of a step or an own completion topic."""
    return _ROLES.get(topic) or ("egress" if is_egress(topic) else None)


_ROLES = {INGRESS: "auth", AUTHENTICATED: "router", REROUTE: "router", EGRESS: "egress", COMPLETE: "finalizer", DLQ: "dlq"}

PLATFORM: tuple[Topic, ...] = (
    Topic(INGRESS, "ingress"),
    Topic(AUTHENTICATED, "step"),
    Topic(REROUTE, "step"),
    Topic(EGRESS, "step"),
    Topic(COMPLETE, "log"),
    Topic(DLQ, "log"),
)
"""The topics that every deployment has. Completion and dead letters exist before anything is sent there."""


class TopicRegistry:
    """What exists in a deployment: topics by name, and which topic a named step listens on.

    Built from the manifests of the running services (and from what ``ensure`` finds on the bus).
    """

    def __init__(self, topics: Iterable[Topic] = PLATFORM) -> None:
        self.complete = False
        """Whether there is no other process whose steps are missing here."""
        self._topics: dict[str, Topic] = {}
        self._steps: dict[str, str] = {}
        for topic in topics:
            self.add(topic)

    def __iter__(self) -> Iterator[Topic]:
        return iter(self._topics.values())

    def __contains__(self, name: object) -> bool:
        return name in self._topics

    def add(self, topic: Topic, *, step: str | None = None) -> None:
        """Add a topic, or more groups to it; ``step`` names the step that listens there.

        Raises ``config.two_groups`` when a step topic would get a second group, ``config.bad`` when two classes are
        claimed for one name or the name breaks the grammar.
        """
        if not is_topic(topic.name):
            raise ConfigError("config.bad", f"{topic.name!r} is not a topic name")
        known = self._topics.get(topic.name)
        if known is not None and known.kind != topic.kind:
            raise ConfigError("config.bad", f"topic {topic.name} is claimed as {known.kind} and as {topic.kind}")
        groups = tuple(dict.fromkeys((known.groups if known else ()) + topic.groups))
        if topic.kind != "log" and len(groups) > 1:
            raise ConfigError("config.two_groups", f"topic {topic.name} has the groups {', '.join(groups)}; a {topic.kind} topic has one")
        self._topics[topic.name] = Topic(topic.name, topic.kind, groups)
        if step is not None:
            self._steps[step] = topic.name

    def get(self, name: str) -> Topic | None:
        """The topic called ``name``, or None."""
        return self._topics.get(name)

    def topic_of(self, step: str) -> str:
        """Where the step called ``step`` listens. Raises ``slip.unroutable`` when no service in this deployment has it."""
        topic = self._steps.get(step)
        if topic is None:
            topic = step_topic(step)
            if topic not in self._topics:
                raise SlipError("slip.unroutable", f"no service in this deployment has a step {step!r}")
        return topic

    def steps(self) -> dict[str, str]:
        """Step name → topic, of every step in this deployment."""
        return dict(self._steps)

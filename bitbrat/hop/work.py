"""What differs between a step's hop and a platform service's visit: who they are, how they fail, what the law says then."""

from __future__ import annotations

import hashlib
import json
import traceback
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from bitbrat.envelope import MAX_NOTE, Envelope, RoutingStep, StepError
from bitbrat.errors import BitBratError, ConfigError, SlipError, StepFailed
from bitbrat.outcome import Dispatch, Failed, Handled, Next, Outcome, Reroute, Revise, Skip
from bitbrat.slip import advance, attempts_allowed, forward, step_hop_id, visit_hop_id
from bitbrat.step import ConsumerSpec, Refused, StepSpec
from bitbrat.store import Hop
from bitbrat.topics import TopicRegistry, is_topic, step_topic

CRASH_ALLOWANCE = 3
"""Starts beyond a step's attempts that are put down to crashes that were not the message's fault."""


VISIT_STARTS = 3 + CRASH_ALLOWANCE


@dataclass(frozen=True)
class Decision:
    """What the law made of a result. ``state`` ``retry``: the same hop again, as a later attempt."""

    dispatch: Dispatch | None
    outcome: str
    code: str = ""
    message: str = ""

    @property
    def retries(self) -> bool:
        """Whether the hop is to be attempted again."""
        return self.dispatch is not None and self.dispatch.not_before is not None


class Work(Protocol):
    """One execution of a hop. A result is what the handler returned, or what :meth:`failed` makes of its failure."""

    hop: Hop
    envelope: Envelope
    index: int | None
    name: str
    max_starts: int

    def without_running(self, now: datetime) -> Any | None:
        """A result that needs no handler, or None."""
        ...

    async def call(self, ctx: Any) -> Any:
        """Run the handler."""
        ...

    def failed(self, error: Exception) -> Any:
        """The result of a handler that raised. Raises ``error`` itself where a failure is no result: the message waits."""
        ...

    def decide(self, result: Any, *, now: datetime, started_at: datetime, randomness: float) -> Decision:
        """What the law says to ``result``."""
        ...


class StepWork:
    """A step's hop: the handler's outcome, and ``slip.advance``."""

    def __init__(self, spec: StepSpec, group: str, envelope: Envelope, index: int, registry: TopicRegistry) -> None:
        self.envelope = envelope
        self.index: int | None = index
        self.step = envelope.routing_slip[index]
        self.name = self.step.id
        self.hop = Hop(group, step_hop_id(envelope, index), self.step.attempt)
        self.max_starts = attempts_allowed(self.step) + CRASH_ALLOWANCE
        self._spec = spec
        self._registry = registry

    def without_running(self, now: datetime) -> Outcome | None:
        """An optional step behind the deadline is skipped."""
        deadline = self.envelope.deadline
        return Skip("deadline") if deadline is not None and now > deadline and self.step.optional else None

    async def call(self, ctx: Any) -> Outcome:
        """Run the handler; anything but an outcome is a failure of its own."""
        outcome: object = await self._spec.handler(self.envelope, ctx)
        if not isinstance(outcome, Next | Skip | Handled | Failed | Revise | Reroute):
            return Failed("step.bad_outcome", f"{self._spec.name} returned {type(outcome).__name__}, not an outcome")
        return self._named(outcome) if isinstance(outcome, Revise) else outcome

    def _named(self, outcome: Revise) -> Outcome:
        """The same revision with the topics of its steps, from the registry."""
        steps = []
        for step in outcome.steps:
            try:
                steps.append(step if isinstance(step, RoutingStep) else self._step(step))
            except SlipError as error:
                return Failed(error.code, error.message)
        return Revise(*steps)

    def _step(self, name: str) -> RoutingStep:
        """A step by its name. Another process may have it: then where it listens is checked when it is its turn."""
        registry, default = self._registry, step_topic(name)
        elsewhere = not registry.complete and is_topic(default)
        topic = registry.steps().get(name, default) if elsewhere else registry.topic_of(name)
        return RoutingStep(id=name, status="PENDING", destination=topic)

    def failed(self, error: Exception) -> Outcome:
        """A ``StepFailed`` is the handler's own word, a ``ConfigError`` stays one; anything else may work the next time."""
        if isinstance(error, StepFailed):
            return Failed(error.code, error.message, retryable=error.retryable)
        if isinstance(error, ConfigError):
            return Failed(error.code, error.message)
        if isinstance(error, TimeoutError) and error.args == (TIMED_OUT,):
            return Failed("step.timeout", f"{self._spec.name} took longer than {self._spec.timeout:g} s", retryable=True)
        return Failed("step.crashed", describe(error), retryable=True)

    def decide(self, result: Outcome, *, now: datetime, started_at: datetime, randomness: float) -> Decision:
        """Ask :func:`bitbrat.slip.advance`."""
        retry_in = self._spec.retry.delay(self.step.attempt, randomness)
        try:
            dispatch = advance(self.envelope, result, now=now, retry_in=retry_in, started_at=started_at)
        except (AttributeError, TypeError, ValueError) as error:
            result = Failed("step.bad_outcome", describe(error))
            dispatch = advance(self.envelope, result, now=now, retry_in=retry_in, started_at=started_at)
        failure = result if isinstance(result, Failed) else None
        name = "retry" if dispatch.not_before is not None else type(result).__name__.lower()
        return Decision(dispatch, name, failure.code if failure else "", failure.message if failure else "")


class VisitWork:
    """A platform service's visit: the envelope as it leaves, and ``slip.forward``. Platform services wait, they do not fail."""

    def __init__(self, spec: ConsumerSpec, group: str, envelope: Envelope) -> None:
        self.envelope = envelope
        self.index: int | None = None
        self.name: str = spec.role
        self.hop = Hop(group, visit_hop_id(envelope, spec.role), digest=digest(envelope) if spec.role == "auth" else "")
        self.max_starts = VISIT_STARTS
        self._spec = spec

    def without_running(self, now: datetime) -> None:
        """A visit is never skipped."""

    async def call(self, ctx: Any) -> Envelope | Refused:
        """Run the handler."""
        return await self._spec.handler(self.envelope, ctx)  # type: ignore[arg-type,return-value]

    def failed(self, error: Exception) -> Refused:
        """Only the crash guard's word is a result; every other failure waits and is tried again."""
        if isinstance(error, StepFailed) and error.code in ("step.crash_loop", "step.unknown_outcome", "envelope.too_large"):
            return Refused(self.envelope, error.code, error.message)
        raise error

    def decide(self, result: Envelope | Refused, *, now: datetime, started_at: datetime, randomness: float) -> Decision:  # noqa: ARG002 - the same call as a step's
        """Ask :func:`bitbrat.slip.forward`."""
        if isinstance(result, Refused):
            error = StepError(code=result.code, message=result.message[:MAX_NOTE])
            dispatch = forward(result.envelope, self._spec.role, now=now, error=error, started_at=started_at)
            return Decision(dispatch, "refused", result.code, result.message)
        return Decision(forward(result, self._spec.role, now=now, started_at=started_at), "forward")


def digest(envelope: Envelope) -> str:
    """What came from outside, in 32 hex digits: two events under one id that differ in it are two events."""
    source, content = envelope.source, [envelope.type, envelope.payload]
    outside = [source.platform, source.channel_id, source.connection_id, envelope.user.id]
    return hashlib.sha256(json.dumps([*content, *outside], sort_keys=True).encode()).hexdigest()[:32]


TIMED_OUT = "the handler was cancelled at its timeout"


def describe(error: BaseException) -> str:
    """An exception in a line: its type, its text, and the last line of the service's own code that it came through."""
    text = error.message if isinstance(error, BitBratError) else str(error)
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/bitbrat/hop/" not in frame.filename.replace("\\", "/")]
    where = f"  {_short(frames[-1].filename)}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}: {text}{where}"[:MAX_NOTE]


def _short(path: str) -> str:
    """The last two parts of a path: enough to find it, and nothing about the machine."""
    return "/".join(path.replace("\\", "/").split("/")[-2:])


def early_by(envelope: Envelope, index: int | None, now: datetime) -> timedelta:
    """How long the current step's retry still has to wait; zero or less: it may run."""
    not_before = envelope.routing_slip[index].not_before if index is not None else None
    return timedelta(0) if not_before is None else not_before - now

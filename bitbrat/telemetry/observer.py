"""Turns what a hop reports into metrics and log lines.

Has the shape of the hop's ``Observer`` port, so that the hop knows neither prometheus nor structlog. Never raises.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from bitbrat.envelope import Envelope
from bitbrat.telemetry.hop_log import HopLog
from bitbrat.telemetry.logging import Logs
from bitbrat.telemetry.metrics import Metrics


class Ended(Protocol):
    """How a hop ended: what the hop's own record of it offers. ``seconds`` is the handler's time."""

    @property
    def envelope(self) -> Envelope:
        """The envelope as it came."""
        ...

    @property
    def group(self) -> str:
        """The service."""
        ...

    @property
    def step(self) -> str:
        """The step's id, or the role of a platform service."""
        ...

    @property
    def index(self) -> int | None:
        """Where on the slip."""
        ...

    @property
    def attempt(self) -> int:
        """From 0."""
        ...

    @property
    def deliveries(self) -> int:
        """The bus's count, from 1."""
        ...

    @property
    def outcome(self) -> str:
        """The outcome's name in lower case."""
        ...

    @property
    def code(self) -> str:
        """The error's code; "" when there was none."""
        ...

    @property
    def message(self) -> str:
        """The error's sentence, which may quote what a user wrote."""
        ...

    @property
    def seconds(self) -> float:
        """How long the handler took."""
        ...


class Telemetry:
    """The observer of a process: counts into ``metrics``, writes into ``logs``."""

    def __init__(self, metrics: Metrics, logs: Logs) -> None:
        self.metrics = metrics
        self._logs = logs
        self._hops: dict[str, HopLog] = {}
        self._log = logs.logger("bitbrat")

    def accepted(self, envelope: Envelope) -> None:
        """An outside event is stored on the bus for the first time."""
        self.metrics.accepted()
        hop = self._hop("ingress")
        if hop.enabled:
            hop.line("accepted", envelope_id=envelope.id, correlation_id=envelope.correlation_id, outcome="accepted")

    def ended(self, end: Ended) -> None:
        """A hop was decided, and what it sends is stored."""
        self.metrics.attempt(end.step)
        self.metrics.outcome(end.step, end.outcome, end.seconds)
        hop = self._hop(end.group)
        if not (hop.warns if end.code else hop.enabled):
            return
        hop.line(
            "hop",
            envelope_id=end.envelope.id,
            correlation_id=end.envelope.correlation_id,
            trace_id=end.envelope.trace_id,
            step=end.step,
            index=end.index,
            attempt=end.attempt,
            delivery=end.deliveries,
            outcome=end.outcome,
            code=end.code,
            seconds=end.seconds,
            detail=end.message,
        )

    def finalised(self, outcome: str, seconds: float | None = None) -> None:
        """A final record was written, ``seconds`` after the event was accepted."""
        self.metrics.finalised(outcome, seconds)

    def final_duplicate(self, envelope_id: str) -> None:
        """An envelope that has its final record reached the finalizer again."""
        self.metrics.final_duplicate()
        self._log.info("finalised before", envelope_id=envelope_id)

    def counted(self, name: str, labels: Mapping[str, str]) -> None:
        """A service counts."""
        self.metrics.count(name, labels)

    def measured(self, name: str, value: float, labels: Mapping[str, str]) -> None:
        """A service says what is now."""
        self.metrics.gauge(name, value, labels)

    def repeated(self, group: str) -> None:
        """A delivery of a hop that was decided before."""
        self.metrics.conflict()
        self._log.debug("delivered again", group=group)

    def duplicate(self, topic: str) -> None:
        """The bus knew a wire id that was published for the first time."""
        self.metrics.publish_duplicate()
        self._log.debug("known to the bus", topic=topic)

    def refused(self, topic: str, code: str, message: str) -> None:
        """Bytes that no service can read, or that are not for this one, went to the dead letters."""
        self.metrics.bad_input("bus", code)
        self._log.warning("refused", topic=topic, code=code, detail=message)

    def forbidden(self, topic: str, code: str, envelope_id: str) -> None:
        """A slip named a destination that it may not."""
        self.metrics.security(code)
        self._log.warning("forbidden", topic=topic, code=code, envelope_id=envelope_id, security=True)

    def resent(self, count: int) -> None:
        """The relay published rows that a hop had left."""
        self.metrics.resent(count)
        self._log.info("sent again from the outbox", count=count)

    def trouble(self, where: str, error: BaseException) -> None:
        """Something that should not happen; the message was put back."""
        self._log.error("trouble", where=where, code=getattr(error, "code", "internal.error"), exc_info=error)

    def _hop(self, service: str) -> HopLog:
        hop = self._hops.get(service)
        if hop is None:
            hop = self._hops[service] = HopLog(self._logs, service)
        return hop

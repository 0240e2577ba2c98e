"""The line that is written for the end of every hop: cheap when it is off, and always of the same fields."""

from __future__ import annotations

from bitbrat.telemetry.logging import Logs
from bitbrat.telemetry.names import (
    ATTEMPT,
    CODE,
    CORRELATION_ID,
    DELIVERY,
    DURATION_MS,
    ENVELOPE_ID,
    INDEX,
    LEVEL,
    MSG,
    OUTCOME,
    SERVICE,
    SPAN_ID,
    STEP,
    TRACE_ID,
)


class HopLog:
    """Writes one line a hop. Ask ``enabled`` (for a hop that failed: ``warns``) before anything is made for it."""

    __slots__ = ("_logs", "_service", "enabled", "warns")

    def __init__(self, logs: Logs, service: str) -> None:
        self._logs = logs
        self._service = service
        self.enabled = logs.wants("info")
        self.warns = logs.wants("warning")

    def line(
        self,
        msg: str,
        *,
        envelope_id: str,
        correlation_id: str = "",
        trace_id: str = "",
        span_id: str = "",
        step: str = "",
        index: int | None = None,
        attempt: int = 0,
        delivery: int = 1,
        outcome: str = "",
        code: str = "",
        seconds: float = 0.0,
        detail: str = "",
    ) -> None:
        """The line, at ``info``, or at ``warning`` when there is a ``code``.

        ``msg`` is ours; what may quote a user goes into ``detail``. ``delivery`` is the bus's count, ``attempt`` the step's.
        """
        if not (self.warns if code else self.enabled):
            return
        self._logs.write(
            {
                LEVEL: "warning" if code else "info",
                SERVICE: self._service,
                MSG: msg,
                ENVELOPE_ID: envelope_id,
                CORRELATION_ID: correlation_id,
                TRACE_ID: trace_id,
                SPAN_ID: span_id,
                STEP: step,
                INDEX: index,
                ATTEMPT: attempt,
                DELIVERY: delivery,
                OUTCOME: outcome,
                CODE: code,
                DURATION_MS: round(seconds * 1000, 3),
                **({"detail": detail} if detail else {}),
            }
        )

"""Logs: one JSON line an event on stderr, without secrets, with nothing in it that a terminal would obey.

The only room that knows structlog. Nothing is built for an event below the level.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, MutableMapping
from datetime import datetime
from typing import Any, Literal, Protocol, TextIO, cast

from bitbrat.telemetry.names import LEVEL, MSG, SERVICE, TS
from bitbrat.telemetry.render import Redact, as_json, as_text, harmless, nothing_secret
from bitbrat.world import RealWorld

Format = Literal["auto", "json", "console"]
Level = Literal["debug", "info", "warning", "error"]
LEVELS: dict[str, int] = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}


class Logger(Protocol):
    """A structured logger: an event in plain words, then fields. What comes from outside goes into a field, never into the event."""

    def debug(self, event: str, **fields: Any) -> Any:
        """Of use while looking for a fault."""
        ...

    def info(self, event: str, **fields: Any) -> Any:
        """Worth knowing."""
        ...

    def warning(self, event: str, **fields: Any) -> Any:
        """Worth a look."""
        ...

    def error(self, event: str, **fields: Any) -> Any:
        """Somebody has to act."""
        ...

    def bind(self, **fields: Any) -> Logger:
        """The same logger with fields that every line of it carries."""
        ...


class Logs:
    """Where log lines go, from which level on, and how they look.

    ``auto`` is ``console`` on a terminal and ``json`` elsewhere. ``redact`` takes secrets out; ``now`` gives the time.
    """

    def __init__(
        self,
        *,
        log_format: Format = "auto",
        level: Level = "info",
        stream: TextIO | None = None,
        redact: Redact = nothing_secret,
        now: Callable[[], datetime] | None = None,
    ) -> None:
        self.stream = stream
        self.redact = redact
        self.now = now or RealWorld().now
        self.threshold = LEVELS[level]
        self._format = log_format

    def wants(self, level: str) -> bool:
        """Whether a line of ``level`` would be written."""
        return LEVELS[level] >= self.threshold

    def logger(self, service: str) -> Logger:
        """The logger of ``service``."""
        import structlog

        bound = structlog.wrap_logger(
            None,
            processors=[self._processor],
            wrapper_class=structlog.make_filtering_bound_logger(self.threshold),
            service=service,
        )
        return cast(Logger, bound)

    def write(self, fields: dict[str, Any]) -> None:
        """One line of ``fields``, which begin with level, service and msg. A stream that is gone is no reason to stop."""
        stream = self.stream or sys.stderr
        line = {TS: _time(self.now())}
        line.update((key, harmless(key, value, self.redact)) for key, value in fields.items())
        try:
            stream.write((as_text if self._console(stream) else as_json)(line) + "\n")
            stream.flush()
        except (OSError, ValueError):
            return

    def _console(self, stream: TextIO) -> bool:
        return self._format == "console" or (self._format == "auto" and stream.isatty())

    def _processor(self, _: Any, method: str, event: MutableMapping[str, Any]) -> Any:
        import structlog

        fields = {LEVEL: event.pop("level", method), SERVICE: event.pop(SERVICE, ""), MSG: event.pop("event", "")}
        error = event.pop("exc_info", None)
        self.write({**fields, **event, **(told(error) if error else {})})
        raise structlog.DropEvent


def told(error: Any) -> dict[str, Any]:
    """An exception as fields: what it is, and the innermost places it came through. No source lines, no values."""
    exception = error if isinstance(error, BaseException) else sys.exc_info()[1]
    if exception is None:
        return {}
    places, trace = [], exception.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{os.path.basename(code.co_filename)}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return {"error": f"{type(exception).__name__}: {exception}", "at": places[-5:]}


def _time(now: datetime) -> str:
    return now.isoformat(timespec="milliseconds")[:-6] + "Z"


_LOGS = Logs()


def configure(logs: Logs) -> Logs:
    """Make ``logs`` the process's. Called once, by whoever composes the process, before loggers are taken."""
    global _LOGS
    _LOGS = logs
    return logs


def get_logger(service: str) -> Logger:
    """The logger of ``service`` in this process."""
    return _LOGS.logger(service)

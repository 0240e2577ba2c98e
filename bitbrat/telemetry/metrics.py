"""What the process counts, and the text in which Prometheus reads it.

Names are in :mod:`bitbrat.telemetry.names`. No user, message or envelope id is ever a label.
"""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from bitbrat.telemetry import names
from bitbrat.telemetry.series import MAX_SERIES, Series

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

# A second series for each counter, that says when it was made: nobody reads it and the budget is 200 a service.
disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """The process's counters, gauges and histograms. Every instance has a registry of its own unless it is given one.

    ``max_series`` bounds the series of one metric: further label values are counted as ``other``.
    """

    def __init__(self, registry: CollectorRegistry | None = None, *, max_series: int = MAX_SERIES) -> None:
        self.registry = registry if registry is not None else CollectorRegistry()
        self._max_series = max_series
        self._counters: dict[str, tuple[tuple[str, ...], Series[Counter]]] = {}
        self._gauges: dict[str, tuple[tuple[str, ...], Series[Gauge]]] = {}
        self._accepted = self._counter(names.EVENTS_ACCEPTED, "Outside events whose envelope the bus has stored.")()
        self._finalised = self._counter(names.EVENTS_FINALISED, "Final records written.", "outcome")
        self._in_flight = self._gauge(names.EVENTS_IN_FLIGHT, "Accepted minus finalised, in this process.")()
        self._event_seconds = self._histogram(names.EVENT_DURATION, "Seconds from acceptance to the final record.")()
        self._attempts = self._counter(names.STEP_ATTEMPTS, "Starts of handlers.", "step")
        self._outcomes = self._counter(names.STEP_OUTCOMES, "What handlers said.", "step", "outcome")
        self._process = self._histogram(names.PROCESS_DURATION, "Seconds in a handler.", "step")
        self._blocked = self._counter(names.HANDLER_BLOCKED, "Times a handler held up the event loop.", "step")
        self._conflicts = self._counter(names.INBOX_CONFLICTS, "Deliveries of a hop that was decided or running already.")()
        self._resent = self._counter(names.RELAY_RESENT, "Messages published later by the relay.")()
        self._final_duplicates = self._counter(names.FINALIZER_DUPLICATES, "Arrivals at the finalizer after the final record.")()
        self._publish_duplicates = self._counter(names.PUBLISH_DUPLICATES, "Publishes whose wire id the bus knew already.")()
        self._bad_input = self._counter(names.BAD_INPUT, "Inputs refused.", "entry", "code")
        self._security = self._counter(names.SECURITY_EVENTS, "Attempts at what is forbidden.", "kind")
        self._egress = self._counter(names.EGRESS_SENT, "Replies handed to a platform.", "platform", "result")
        self._connection = self._gauge(names.CONNECTION_STATE, "A connection's state, see CONNECTION_STATES.", "platform", "slot")
        self._outbox = self._gauge(names.OUTBOX_PENDING, "Messages decided and not yet on the bus.")()
        self._outbox_age = self._gauge(names.OUTBOX_OLDEST, "Age in seconds of the oldest of them.")()
        self._dlq = self._gauge(names.DLQ_DEPTH, "Open dead letters.", "reason")

    def accepted(self) -> None:
        """An outside event's envelope is stored."""
        self._accepted.inc()
        self._in_flight.inc()

    def finalised(self, outcome: str, seconds: float | None = None) -> None:
        """A final record was written: ``completed``, ``handled``, ``failed`` or ``dead_lettered``; ``seconds`` since acceptance."""
        self._finalised(outcome).inc()
        self._in_flight.dec()
        if seconds is not None:
            self._event_seconds.observe(seconds)

    def attempt(self, step: str) -> None:
        """A handler starts."""
        self._attempts(step).inc()

    def outcome(self, step: str, outcome: str, seconds: float) -> None:
        """A handler came to an end after ``seconds``."""
        self._outcomes(step, outcome).inc()
        self._process(step).observe(seconds)

    def blocked(self, step: str) -> None:
        """A handler did not let go of the event loop."""
        self._blocked(step).inc()

    def conflict(self) -> None:
        """A delivery of a hop that was decided, or is running, already."""
        self._conflicts.inc()

    def resent(self, count: int = 1) -> None:
        """The relay published ``count`` messages that a hop had left behind."""
        self._resent.inc(count)

    def final_duplicate(self) -> None:
        """An envelope reached the finalizer again."""
        self._final_duplicates.inc()

    def publish_duplicate(self) -> None:
        """The bus knew the wire id already."""
        self._publish_duplicates.inc()

    def bad_input(self, entry: str, code: str) -> None:
        """An input was refused: ``entry`` is where it came in (``http``, ``bus``, ``irc``, …), ``code`` the catalogue's."""
        self._bad_input(entry, code).inc()

    def security(self, kind: str) -> None:
        """Somebody tried what is forbidden; ``kind`` is the code of the refusal."""
        self._security(kind).inc()

    def egress(self, platform: str, result: str) -> None:
        """A reply was handed to ``platform``: ``sent``, or the code of why not."""
        self._egress(platform, result).inc()

    def connection(self, platform: str, slot: str, state: str) -> None:
        """A connection changed its state; ``slot`` is its configured name."""
        self._connection(platform, slot).set(names.CONNECTION_STATES.get(state, -1))

    def count(self, name: str, labels: Mapping[str, str]) -> None:
        """One more of ``name``: a counter of ours, or one of a service's own, made when it first counts."""
        if name not in self._counters:
            self._counter(name, "Counted by a service.", *labels)
        wanted, series = self._counters[name]
        series(*(labels.get(label, "") for label in wanted)).inc()

    def gauge(self, name: str, value: float, labels: Mapping[str, str]) -> None:
        """What ``name`` is now: a gauge of ours, or one of a service's own."""
        if name not in self._gauges:
            self._gauge(name, "Said by a service.", *labels)
        wanted, series = self._gauges[name]
        series(*(labels.get(label, "") for label in wanted)).set(value)

    def outbox(self, pending: int, oldest_seconds: float = 0.0) -> None:
        """How many messages wait in the outbox, and how old the oldest is."""
        self._outbox.set(pending)
        self._outbox_age.set(oldest_seconds)

    def dead_letters(self, reason: str, open_count: int) -> None:
        """How many dead letters with ``reason`` are open."""
        self._dlq(reason).set(open_count)

    def value(self, name: str, **labels: str) -> float:
        """The present value of a metric by its dotted name (a histogram's is its count); 0 when nothing was counted yet."""
        base = _flat(name)
        found = (self.registry.get_sample_value(base + end, labels) for end in ("_total", "_count", ""))
        return next((value for value in found if value is not None), 0.0)

    def render(self) -> bytes:
        """Everything in Prometheus' text format; its content type is ``CONTENT_TYPE``."""
        return generate_latest(self.registry)

    def _counter(self, name: str, text: str, *labels: str) -> Series[Counter]:
        series = Series(Counter(_flat(name), text, labels, registry=self.registry), limit=self._max_series)
        self._counters[name] = (labels, series)
        return series

    def _gauge(self, name: str, text: str, *labels: str) -> Series[Gauge]:
        series = Series(Gauge(_flat(name), text, labels, registry=self.registry), limit=self._max_series)
        self._gauges[name] = (labels, series)
        return series

    def _histogram(self, name: str, text: str, *labels: str) -> Series[Histogram]:
        metric = Histogram(_flat(name), text, labels, registry=self.registry, buckets=names.DURATION_BUCKETS)
        return Series(metric, limit=self._max_series)


def _flat(name: str) -> str:
    return name.replace(".", "_")

"""Every name that telemetry uses: metrics, log fields, label values. Nothing else spells them.

Source: OpenTelemetry's semantic conventions for messaging where they have a name, and ``bitbrat.*`` where they have none.
"""

from __future__ import annotations

from typing import Final

# Metrics. In Prometheus' text a dot is an underscore, and a counter ends in _total.
PROCESS_DURATION: Final = "messaging.process.duration"
EVENTS_ACCEPTED: Final = "bitbrat.events.accepted"
EVENTS_FINALISED: Final = "bitbrat.events.finalised"
EVENTS_IN_FLIGHT: Final = "bitbrat.events.in_flight"
EVENT_DURATION: Final = "bitbrat.event.duration"
STEP_ATTEMPTS: Final = "bitbrat.step.attempts"
STEP_OUTCOMES: Final = "bitbrat.step.outcomes"
HANDLER_BLOCKED: Final = "bitbrat.handler.blocked"
INBOX_CONFLICTS: Final = "bitbrat.inbox.conflicts"
RELAY_RESENT: Final = "bitbrat.relay.resent"
FINALIZER_DUPLICATES: Final = "bitbrat.finalizer.duplicates"
PUBLISH_DUPLICATES: Final = "bitbrat.publish.duplicates"
BAD_INPUT: Final = "bitbrat.badinput"
SECURITY_EVENTS: Final = "bitbrat.security.events"
EGRESS_SENT: Final = "bitbrat.egress.sent"
CONNECTION_STATE: Final = "bitbrat.connection.state"
OUTBOX_PENDING: Final = "bitbrat.outbox.pending"
OUTBOX_OLDEST: Final = "bitbrat.outbox.oldest_age_s"
DLQ_DEPTH: Final = "bitbrat.dlq.depth"

DURATION_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds; the conventions' range."""

CONNECTION_STATES: Final = {
    "stopped": 0,
    "connecting": 1,
    "reconnecting": 2,
    "online": 3,
    "degraded": 4,
    "needs_signin": 5,
    "config_error": 6,
}
"""A connection's state as the number of its gauge; a state that is not listed is -1."""

OTHER: Final = "other"
"""The label value that stands for all that came after a metric had as many series as it may have."""

# Fields of a log line, in the order they are written.
TS: Final = "ts"
LEVEL: Final = "level"
SERVICE: Final = "service"
MSG: Final = "msg"
ENVELOPE_ID: Final = "envelope_id"
CORRELATION_ID: Final = "correlation_id"
TRACE_ID: Final = "trace_id"
SPAN_ID: Final = "span_id"
STEP: Final = "step"
INDEX: Final = "index"
ATTEMPT: Final = "attempt"
DELIVERY: Final = "delivery"
OUTCOME: Final = "outcome"
CODE: Final = "code"
DURATION_MS: Final = "duration_ms"

LINE_FIELDS: Final = (
    TS,
    LEVEL,
    SERVICE,
    MSG,
    ENVELOPE_ID,
    CORRELATION_ID,
    TRACE_ID,
    SPAN_ID,
    STEP,
    INDEX,
    ATTEMPT,
    DELIVERY,
    OUTCOME,
    CODE,
    DURATION_MS,
)

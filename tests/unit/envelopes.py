"""Strategies for Hypothesis: any JSON, any valid envelope."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from bitbrat.envelope import Annotation, Delivered, Envelope, Reply, RoutingStep, Source, StepError, User, Visit

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
ids = st.from_regex(r"\A[!-9;-~]{1,20}\Z")
topics = st.sampled_from(["internal.a.v1", "internal.b-c.d.v12", "internal.egress.twitch.v1", "internal.complete.v1"])
times = st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001 - naive by contract of the strategy
finite = st.integers() | st.floats(allow_nan=False, allow_infinity=False)


def json_values(numbers: st.SearchStrategy[Any] = finite) -> st.SearchStrategy[Any]:
    """Any JSON value, not deep."""
    return st.recursive(
        st.none() | st.booleans() | numbers | texts,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
        max_leaves=8,
    )


objects = st.dictionaries(texts, json_values(), max_size=3)


def _some(model: Any, required: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Instances of ``model``: the required fields, and any of the optional ones."""
    return st.fixed_dictionaries(required, optional=optional).map(lambda fields: model(**fields))


errors = _some(StepError, {"code": texts}, {"message": texts, "retryable": st.booleans()})
steps = _some(
    RoutingStep,
    {"id": st.text("abc", min_size=1, max_size=5), "status": st.sampled_from(["PENDING", "OK", "ERROR", "SKIP"]), "destination": topics},
    {
        "attempt": st.integers(0, 9),
        "max_attempts": st.integers(1, 20),
        "attributes": st.dictionaries(texts, texts, max_size=2),
        "started_at": times,
        "ended_at": times,
        "error": errors | st.none(),
        "notes": texts,
    },
)
replies = _some(
    Reply,
    {"kind": st.sampled_from(["chat", "whisper", "event"])},
    {
        "text": texts,
        "reply_to": texts,
        "data": objects,
        "by": texts,
        "delivered": _some(Delivered, {"at": times}, {"provider_id": texts, "error": errors}),
    },
)
annotations = _some(
    Annotation,
    {"kind": texts},
    {"label": texts, "value": json_values(), "score": st.floats(allow_nan=False, allow_infinity=False), "by": texts, "data": objects},
)
visits = _some(Visit, {"service": texts, "started_at": times, "ended_at": times}, {})


def envelopes() -> st.SearchStrategy[Envelope]:
    """Any envelope that a service may meet: the slip is consistent."""
    return _some(
        Envelope,
        {
            "id": ids,
            "correlation_id": ids,
            "trace_id": texts,
            "timestamp": times,
            "type": st.sampled_from(["external.chat.message.v1", "internal.tick.v2", "external.twitch.channel.follow.v2"]),
            "source": _some(
                Source,
                {"platform": st.text("ab", min_size=1, max_size=3)},
                {"channel": texts, "channel_id": texts, "egress_destination": topics, "connection_id": texts},
            ),
            "user": _some(User, {"id": texts, "name": texts}, {"roles": st.lists(texts, max_size=2).map(tuple), "role": texts}),
            "routing_slip": st.lists(steps, max_size=4).map(_consistent),
            "payload": objects,
        },
        {
            "v": st.just("1"),
            "finalization_destination": topics,
            "replies": st.lists(replies, max_size=2).map(tuple),
            "annotations": st.lists(annotations, max_size=2).map(tuple),
            "trail": st.lists(visits, max_size=2).map(tuple),
            "deadline": times,
            "tenant_id": texts,
            "simulated": st.booleans(),
            "replay_of": ids,
        },
    )


def _consistent(slip: list[RoutingStep]) -> tuple[RoutingStep, ...]:
    """Nothing decided behind the first PENDING step."""
    first = next((i for i, step in enumerate(slip) if step.status == "PENDING"), len(slip))
    return (*slip[:first], *(step.but(status="PENDING") for step in slip[first:]))

"""Envelopes for the tests of the law: short to write, fixed in time, and always the same."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from bitbrat.envelope import Annotation, Delivered, Envelope, Reply, RoutingStep, Source, User, Visit

NOW = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)
BEGAN = NOW - timedelta(seconds=1)
EGRESS = "internal.egress.twitch.v1"
DONE = "internal.complete.v1"


def step(index: int, status: str = "PENDING", **fields: Any) -> RoutingStep:
    """The step ``s<index>``, which listens on ``internal.s<index>.v1``."""
    return RoutingStep.model_validate({"id": f"s{index}", "status": status, "destination": f"internal.s{index}.v1", **fields})


def slip(statuses: str, at: Mapping[int, Mapping[str, Any]] | None = None) -> tuple[RoutingStep, ...]:
    """Steps with these statuses, in order; ``at`` gives some of them more fields."""
    return tuple(step(i, status, **(at or {}).get(i, {})) for i, status in enumerate(statuses.split()))


def reply(text: str, *, delivered: bool = False) -> Reply:
    """A chat reply of the step ``s0``, settled or not."""
    settled = {"delivered": Delivered(at=BEGAN)} if delivered else {}
    return Reply(kind="chat", text=text, by="s0", **settled)


def note(label: str) -> Annotation:
    """An annotation that somebody made earlier."""
    return Annotation(kind="test", label=label, by="s0")


def been(*services: str) -> tuple[Visit, ...]:
    """A trail of visits."""
    return tuple(Visit(service=service, started_at=BEGAN, ended_at=BEGAN) for service in services)


def event(
    statuses: str = "PENDING",
    at: Mapping[int, Mapping[str, Any]] | None = None,
    *,
    egress: str | None = EGRESS,
    completion: str | None = DONE,
    **fields: Any,
) -> Envelope:
    """The envelope ``e1`` with a slip of these statuses; ``egress`` and ``completion`` may be absent."""
    where = {} if egress is None else {"egress_destination": egress}
    end = {} if completion is None else {"finalization_destination": completion}
    return Envelope(
        v="1",
        id="e1",
        correlation_id="c1",
        trace_id="t1",
        timestamp=BEGAN,
        type="external.chat.message.v1",
        source=Source(platform="twitch", channel="chan", channel_id="1", **where),
        user=User(id="u1", name="ada", display_name="Ada", profile_image_url="", role="viewer"),
        routing_slip=slip(statuses, at),
        payload={"text": "hi"},
        **end,
        **fields,
    )

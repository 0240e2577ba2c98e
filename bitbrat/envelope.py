"""The envelope: what travels on the bus, as frozen values.

camelCase on the wire, snake_case here. Fields that nobody declared are kept and sent on, at every depth. A field that
was not on the wire stays away from it. Limits and refusals are in :mod:`bitbrat.codec`; where an envelope goes next is
decided in :mod:`bitbrat.slip`. Source: seed 003 ("Example Envelope") and ``docs/reference/contract.md`` §1.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    StringConstraints,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel

from bitbrat.topics import GRAMMAR

MAX_STEPS = 32
MAX_REPLIES = 16
MAX_ANNOTATIONS = 256
MAX_TRAIL = 64
MAX_NOTE = 1024

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)\Z", re.ASCII)


def parse_time(value: object) -> datetime:
    """An RFC 3339 time as an aware datetime in UTC, to the microsecond. Raises ``ValueError`` on anything else."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("a time needs its zone")
        return value.astimezone(UTC)
    if not isinstance(value, str) or _RFC3339.match(value) is None:
        raise ValueError("not an RFC 3339 time")
    time = datetime.fromisoformat(value if value[-1] != "z" and value[10] != "t" else value.upper())
    if time.tzinfo is UTC:
        return time
    try:
        return time.astimezone(UTC)
    except OverflowError:
        raise ValueError("a time outside of the years 1 to 9999") from None


def format_time(value: datetime) -> str:
    """The one spelling we write, pydantic's too: UTC with ``Z``, fractions only where there are some."""
    return value.astimezone(UTC).isoformat()[:-6] + "Z"


Time = Annotated[
    datetime,
    BeforeValidator(parse_time),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
EnvelopeId = Annotated[StrictStr, StringConstraints(pattern=r"^[!-9;-~]{1,128}$")]
OpaqueId = Annotated[StrictStr, StringConstraints(min_length=1, max_length=256)]
TopicName = Annotated[StrictStr, StringConstraints(pattern=GRAMMAR, max_length=256)]
EventType = Annotated[StrictStr, StringConstraints(pattern=r"^(external|internal)\.[A-Za-z0-9_.-]{1,200}\.v[A-Za-z0-9_-]{1,20}$")]
Status = Literal["PENDING", "OK", "ERROR", "SKIP"]
ReplyKind = Literal["chat", "whisper", "announce", "action", "event"]


_set = object.__setattr__


class Value(BaseModel):
    """A frozen value on the wire. Change it with :meth:`but`, which makes a shallow copy."""

    model_config = ConfigDict(frozen=True, extra="allow", alias_generator=to_camel, populate_by_name=True, protected_namespaces=())

    def but(self, **changes: Any) -> Self:
        """This value with ``changes`` (Python names). Everything else is shared, not copied; nothing is validated again."""
        kind = type(self)
        if not changes.keys() <= kind.__pydantic_fields__.keys():
            raise TypeError(f"{kind.__name__} has no field {', '.join(sorted(changes.keys() - kind.__pydantic_fields__.keys()))}")
        # What pydantic's model_copy does, without copying what is frozen anyway; every hop does this a few times.
        copy = kind.__new__(kind)
        _set(copy, "__dict__", {**self.__dict__, **changes})
        _set(copy, "__pydantic_fields_set__", self.__pydantic_fields_set__ | changes.keys())
        _set(copy, "__pydantic_extra__", self.__pydantic_extra__)
        _set(copy, "__pydantic_private__", None)
        return copy

    def without(self, *names: str) -> Self:
        """This value with the fields ``names`` (Python names) as if they had never been set: gone from the wire, not null."""
        copy = self.but(**{name: type(self).model_fields[name].get_default(call_default_factory=True) for name in names})
        _set(copy, "__pydantic_fields_set__", copy.model_fields_set - set(names))
        return copy

    def to_wire(self) -> dict[str, Any]:
        """The JSON object of this value, camelCase, without what was never set."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)


class StepError(Value):
    """Why a step ended in ERROR, or why a platform service gave up."""

    code: StrictStr
    message: StrictStr | None = None
    retryable: StrictBool | None = None


class RoutingStep(Value):
    """One step of the slip. ``attempt`` counts from 0 and is ours, whatever the broker counts."""

    id: Annotated[StrictStr, StringConstraints(min_length=1, max_length=128)]
    v: StrictStr = "1"
    status: Status
    attempt: Annotated[StrictInt, Field(ge=0, le=1000)] = 0
    max_attempts: Annotated[StrictInt, Field(ge=1, le=1000)] = 3
    destination: TopicName
    attributes: dict[str, StrictStr] = Field(default_factory=dict)
    started_at: Time | None = None
    ended_at: Time | None = None
    error: StepError | None = None
    notes: StrictStr | None = None

    @property
    def optional(self) -> bool:
        """Whether this step is skipped once the envelope's deadline has passed."""
        return self.attributes.get("optional") == "true"

    @property
    def not_before(self) -> datetime | None:
        """When a retry of this step may start, or None for at once. Garbage counts as none."""
        value = self.attributes.get("notBefore")
        try:
            return parse_time(value) if value else None
        except ValueError:
            return None


class Source(Value):
    """Where the event came from. ``egress_destination`` is where replies go."""

    platform: Annotated[StrictStr, StringConstraints(min_length=1)]
    channel: StrictStr = ""
    channel_id: StrictStr = ""
    egress_destination: TopicName | None = None
    connection_id: StrictStr | None = None


class User(Value):
    """Who caused the event. Roles come from the platform's badges, permissions and tags from auth."""

    id: StrictStr = ""
    name: StrictStr = ""
    display_name: StrictStr = ""
    profile_image_url: StrictStr = ""
    role: StrictStr = ""
    roles: tuple[StrictStr, ...] = ()
    permissions: tuple[StrictStr, ...] = ()
    tags: tuple[StrictStr, ...] = ()


class Delivered(Value):
    """What became of a reply. An error settles it too."""

    at: Time
    provider_id: StrictStr | None = None
    error: StepError | None = None


class Reply(Value):
    """Something to say back. Undelivered while ``delivered`` is absent."""

    kind: ReplyKind = "chat"
    text: StrictStr | None = None
    reply_to: StrictStr | None = None
    data: dict[str, Any] | None = None
    by: StrictStr = ""
    delivered: Delivered | None = None


class Annotation(Value):
    """What an analyser found. Steps annotate; they never edit the user's message."""

    kind: StrictStr
    label: StrictStr | None = None
    value: Any = None
    score: float | None = None
    by: StrictStr = ""
    data: dict[str, Any] | None = None


class Visit(Value):
    """One visit of a platform service."""

    service: StrictStr
    started_at: Time
    ended_at: Time


class Envelope(Value):
    """One event on its way. The slip is ordered and append-only: its past stays on it, so it is also the log."""

    v: StrictStr = "1"
    id: EnvelopeId
    correlation_id: OpaqueId
    trace_id: Annotated[StrictStr, StringConstraints(max_length=256)]
    timestamp: Time
    type: EventType
    source: Source
    user: User
    routing_slip: Annotated[tuple[RoutingStep, ...], Field(max_length=MAX_STEPS)]
    finalization_destination: TopicName | None = None
    payload: dict[str, Any]
    status: Literal["HANDLED", "FAILED"] | None = None
    replies: Annotated[tuple[Reply, ...], Field(max_length=MAX_REPLIES)] = ()
    annotations: Annotated[tuple[Annotation, ...], Field(max_length=MAX_ANNOTATIONS)] = ()
    trail: Annotated[tuple[Visit, ...], Field(max_length=MAX_TRAIL)] = ()
    deadline: Time | None = None
    tenant_id: StrictStr | None = None
    simulated: StrictBool | None = None
    replay_of: EnvelopeId | None = None

    @property
    def current(self) -> int | None:
        """The index of the current step, which is the first PENDING one; None when the slip has ended."""
        for index, step in enumerate(self.routing_slip):
            if step.status == "PENDING":
                return index
        return None

    @property
    def undelivered(self) -> Sequence[Reply]:
        """The replies that egress has not settled yet."""
        return [reply for reply in self.replies if reply.delivered is None]

"""What we remember of a user: one document for each platform id."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from bitbrat.envelope import Envelope, format_time, parse_time

CHAT = "external.chat.message.v1"
FIRST_EVER, FIRST_OF_SESSION = "first-message", "first-of-session"


class Sighting(NamedTuple):
    """The record as it is after this event, the tags that the event gets, and whether there is anything to write."""

    record: Mapping[str, Any]
    tags: tuple[str, ...]
    changed: bool


def of_user(envelope: Envelope) -> str:
    """The key of the user's record: ids are unique on their platform only."""
    return f"{envelope.source.platform}:{envelope.user.id}"


def seen(before: Mapping[str, Any] | None, envelope: Envelope, *, gap: float) -> Sighting:
    """The user of ``envelope`` is seen. ``gap``: seconds of silence that end a session.

    Only what comes from outside is a sighting; an event that a step has emitted changes nothing.
    """
    record = dict(before or {})
    if not envelope.type.startswith("external."):
        return Sighting(record, (), False)
    at = envelope.timestamp
    spoke = envelope.type == CHAT
    begins = _begins(record, at, gap)
    session = {"startedAt": format_time(at), "number": _count(record.get("session"), "number") + 1} if begins else dict(record["session"])
    session["messages"] = (0 if begins else _count(session, "messages")) + spoke
    tags = _tags(first=spoke and not _count(record, "messages"), of_session=spoke and session["messages"] == 1)
    record |= {
        "firstSeenAt": record.get("firstSeenAt") or format_time(at),
        "lastSeenAt": format_time(max(at, _time(record.get("lastSeenAt")) or at)),
        "events": _count(record, "events") + 1,
        "messages": _count(record, "messages") + spoke,
        "session": session,
        **_identity(envelope),
    }
    return Sighting(record, tags, True)


def _identity(envelope: Envelope) -> dict[str, Any]:
    """Names, and the roles as the badges of this very event say them: whoever lost a badge has lost the role."""
    user = envelope.user
    found: dict[str, Any] = {"platform": envelope.source.platform, "id": user.id}
    found |= {key: value for key, value in (("name", user.name), ("displayName", user.display_name)) if value}
    if user.role or user.roles:
        found |= {"role": user.role, "roles": list(user.roles)}
    return found


def _begins(record: Mapping[str, Any], at: datetime, gap: float) -> bool:
    last = _time(record.get("lastSeenAt"))
    return last is None or not isinstance(record.get("session"), dict) or (at - last).total_seconds() > gap


def _tags(*, first: bool, of_session: bool) -> tuple[str, ...]:
    return ((FIRST_EVER,) if first else ()) + ((FIRST_OF_SESSION,) if of_session else ())


def _count(record: object, name: str) -> int:
    value = record.get(name) if isinstance(record, dict) else None
    return value if isinstance(value, int) else 0


def _time(value: object) -> datetime | None:
    try:
        return parse_time(value)
    except ValueError:
        return None

"""The variables that rules and templates may use, and where each comes from.

An allow-list: a name is looked up in a table, a path below ``payload`` is walked through JSON objects and lists. There is no
attribute access, so a name can reach nothing else. A variable that nobody can tell yet (``live``) is *unknown*; one that is
simply absent is ``null``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from bitbrat.envelope import Envelope, format_time
from bitbrat.rules.problems import suggest
from bitbrat.rules.spoken import Spoken, spoken
from bitbrat.rules.values import UNKNOWN

FOLDED: Final = "~"
"""Before a variable's name: its text with the case folded, or null when it is not a text. For our own closures only."""
MAX_PATH = 200
MAX_SEGMENTS = 8
FIRST_SESSION_TAGS = frozenset(["first_session", "first-session", "first_of_session", "first-of-session"])


class Facts(dict[str, Any]):
    """The variables of one message, each worked out when it is first asked for.

    ``left`` and ``item`` are the scratch space of the evaluation that is running: its steps left, and the element that
    ``map`` and its kin are looking at. One message is evaluated by one thread.
    """

    __slots__ = ("envelope", "item", "left", "now", "said")

    def __init__(self, envelope: Envelope, now: datetime, known: Mapping[str, Any]) -> None:
        super().__init__(known)
        self.envelope = envelope
        self.now = now
        self.said: Spoken = spoken(envelope.payload)
        self.left = 0
        self.item: Any = None

    @classmethod
    def of(cls, envelope: Envelope, now: datetime, *, known: Mapping[str, Any] | None = None) -> Facts:
        """The variables of ``envelope`` at ``now`` (aware UTC).

        ``known`` gives variables that the envelope cannot tell, such as ``{"live": True}``.
        """
        return cls(envelope, now, known or {})

    def __bool__(self) -> bool:
        return True  # a message about which nothing was asked yet is still a message

    def __missing__(self, name: str) -> Any:
        source = _SOURCES.get(name)
        if name.startswith(FOLDED):
            value = _folded(self[name[1:]])
        else:
            value = source(self) if source else _walk(self.envelope.payload, name.split(".")[1:]) if name.startswith("payload.") else None
        self[name] = value
        return value


def _folded(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else UNKNOWN if value is UNKNOWN else None


def _walk(value: Any, segments: Iterable[str]) -> Any:
    for segment in segments:
        if isinstance(value, dict):
            value = value.get(segment)
        elif isinstance(value, list) and segment.isascii() and segment.isdigit() and int(segment[:9]) < len(value):
            value = value[int(segment[:9])]
        else:
            return None
    return value


def walk(value: Any, path: str) -> Any:
    """What stands at the dotted ``path`` below ``value``, through objects and lists only; ``null`` when nothing does."""
    return _walk(value, path.split("."))


def _bits(facts: Facts) -> int:
    """Bits of a chat line or of a cheer event; none is 0."""
    payload = facts.envelope.payload
    found = payload.get("bits") or _walk(payload, ("event", "bits"))
    return found if isinstance(found, int) else 0


def _reward(facts: Facts) -> Any:
    payload = facts.envelope.payload
    return payload.get("customRewardId") or _walk(payload, ("event", "reward", "id"))


def _wire(values: Iterable[Any]) -> list[Any]:
    return [value.to_wire() for value in values]


_SOURCES: Final[dict[str, Callable[[Facts], Any]]] = {
    "id": lambda f: f.envelope.id,
    "correlationId": lambda f: f.envelope.correlation_id,
    "type": lambda f: f.envelope.type,
    "timestamp": lambda f: format_time(f.envelope.timestamp),
    "now": lambda f: format_time(f.now),
    "tenantId": lambda f: f.envelope.tenant_id,
    "simulated": lambda f: bool(f.envelope.simulated),
    "replayed": lambda f: f.envelope.replay_of is not None,
    "status": lambda f: f.envelope.status,
    "text": lambda f: f.said.text,
    "command": lambda f: f.said.command,
    "args": lambda f: f.said.args,
    "platform": lambda f: f.envelope.source.platform,
    "channel": lambda f: f.envelope.source.channel.removeprefix("#"),
    "source.platform": lambda f: f.envelope.source.platform,
    "source.channel": lambda f: f.envelope.source.channel,
    "source.channelId": lambda f: f.envelope.source.channel_id,
    "source.connectionId": lambda f: f.envelope.source.connection_id,
    "user.id": lambda f: f.envelope.user.id,
    "user.name": lambda f: f.envelope.user.name,
    "user.displayName": lambda f: f.envelope.user.display_name or f.envelope.user.name,
    "user.role": lambda f: f.envelope.user.role,
    "user.roles": lambda f: list(f.envelope.user.roles),
    "user.permissions": lambda f: list(f.envelope.user.permissions),
    "user.tags": lambda f: list(f.envelope.user.tags),
    "payload": lambda f: f.envelope.payload,
    "annotations": lambda f: _wire(f.envelope.annotations),
    "replies": lambda f: _wire(f.envelope.replies),
    "slip": lambda f: _wire(f.envelope.routing_slip),
    "first": lambda f: f.envelope.payload.get("firstMessage") is True,
    "first_session": lambda f: not FIRST_SESSION_TAGS.isdisjoint(f.envelope.user.tags),
    "reward": _reward,
    "bits": _bits,
    "live": lambda _: UNKNOWN,
}

VARIABLES: Final[tuple[str, ...]] = tuple(sorted([*_SOURCES, "payload.*"]))
"""Every variable by name, for completion and help; ``payload.*`` stands for any path below the payload."""

WITHOUT_SOURCE: Final[Mapping[str, str]] = {"live": "live is unknown: no source for it yet"}
"""Variables that are named already but that nothing can tell yet, and what an explanation says about them."""


def check_name(name: str, extra: Iterable[str] = ()) -> str | None:
    """What is wrong with a variable's name, or None. ``extra`` are names that are allowed besides."""
    if name in _SOURCES or name in extra:
        return None
    if name.startswith("payload."):
        return check_path(name)
    return f"there is no variable {name[:60]!r}{suggest(name, [*_SOURCES, *extra])}"


def check_path(path: str) -> str | None:
    """What is wrong with a dotted path through JSON, or None."""
    segments = path.split(".")
    if len(path) > MAX_PATH or len(segments) > MAX_SEGMENTS:
        return f"the path {path[:40]!r} is longer than {MAX_SEGMENTS} names or {MAX_PATH} characters"
    if not all(segments) or any(segment.startswith("__") for segment in segments):
        return f"the path {path[:60]!r} is not one that a payload has"
    return None

"""Badges, and the roles that they give."""

from __future__ import annotations

from bitbrat.connectors.twitch.irc_line import IrcLine

LADDER = ("broadcaster", "moderator", "vip", "subscriber")
"""The roles that rank, highest first. Whoever has none of them is a viewer."""

_ROLE_OF_BADGE: dict[str, tuple[str, ...]] = {
    "broadcaster": ("broadcaster",),
    "moderator": ("moderator",),
    "lead_moderator": ("moderator",),
    "vip": ("vip",),
    "subscriber": ("subscriber",),
    "founder": ("subscriber", "founder"),
    "staff": ("staff",),
    "admin": ("admin",),
    "global_mod": ("global_mod",),
}
_ROLE_OF_TAG = {("mod", "1"): "moderator", ("user-type", "mod"): "moderator", ("vip", "1"): "vip", ("subscriber", "1"): "subscriber"}
_ORDER = (*LADDER, "founder", "staff", "admin", "global_mod")


def badges(raw: str) -> list[list[str]]:
    """``subscriber/12,vip`` as ``[["subscriber", "12"], ["vip", ""]]``, in the order sent."""
    split = (badge.partition("/") for badge in raw.split(",") if badge)
    return [[name, version] for name, _, version in split]


def roles(line: IrcLine) -> tuple[str, ...]:
    """All roles that the server's tags give, highest first. Never read from the text."""
    found = {role for name, _ in badges(line.tag("badges")) for role in _ROLE_OF_BADGE.get(name, ())}
    found.update(role for (tag, value), role in _ROLE_OF_TAG.items() if line.tag(tag) == value)
    return tuple(role for role in _ORDER if role in found)


def highest(held: tuple[str, ...]) -> str:
    """The one role of the ladder that counts; ``viewer`` when none does. Staff of the platform do not rank."""
    return next((role for role in LADDER if role in held), "viewer")

"""Whether a rule or a command rests, for whom, and what it says then: nothing, how long (each time), or how long (once).

The state is two documents, one for everybody and one for the user: ``at`` is the last use, ``told`` the use after which the
rest was announced. Whoever calls keeps them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from bitbrat.envelope import parse_time
from bitbrat.rules.model import Cooldown


class Rest(NamedTuple):
    """Whole seconds until it may be used again, and whether it rests for ``everybody``."""

    seconds: int
    everybody: bool


def resting(cooldown: Cooldown, uses: Mapping[str, Any], mine: Mapping[str, Any], now: datetime) -> Rest | None:
    """The longer of the two rests at ``now``, or None when it may be used. ``at`` in a document is its last use."""
    rests = [Rest(_left(cooldown.everybody, uses, now), True), Rest(_left(cooldown.user, mine, now), False)]
    longest = max(rests, key=lambda rest: rest.seconds)
    return longest if longest.seconds > 0 else None


def tell(cooldown: Cooldown, rest: Rest, document: Mapping[str, Any], name: str) -> str:
    """What is said while it rests, or nothing. ``told`` in the document is the use after which it was said before."""
    if cooldown.reply == "react":
        return f"⏳ {rest.seconds} s"
    if cooldown.reply == "once" and document.get("told") != document.get("at"):
        return f"{name}, please wait {rest.seconds} s."
    return ""


def _left(span: float, document: Mapping[str, Any], now: datetime) -> int:
    """Whole seconds of ``span`` that are left; a clock that went back never makes a rest longer than it is."""
    try:
        since = (now - parse_time(document.get("at"))).total_seconds() if span else span
    except ValueError:
        return 0
    return math.ceil(min(span - since, span))

"""What ``bitbrat twitch parse`` prints for a line: exactly one object, whatever the line holds."""

from __future__ import annotations

import json
import uuid
from datetime import datetime
from typing import Any

from bitbrat.connectors.mint import mint
from bitbrat.connectors.twitch.irc_chat import to_event
from bitbrat.connectors.twitch.irc_line import IrcError, IrcLine, is_blank, parse_line
from bitbrat.connectors.twitch.irc_split import MAX_LINE
from bitbrat.topics import egress_topic
from bitbrat.world import named_id

_LINE_ENDS = {0x85: "\\u0085", 0x2028: "\\u2028", 0x2029: "\\u2029"}


def parse_record(line: bytes, *, now: datetime, wire: bool = False, connection: str = "twitch") -> dict[str, Any]:
    r"""One raw line (its ``\n`` may be on it) as the envelope that ingress would mint from it.

    ``{"envelope": …}`` in wire form, ``{"ignored": "PING"}`` for a line that is no event (``""`` for a blank one), or
    ``{"error": {"code", "message"}}``. With ``wire`` the parsed line instead of the envelope: command, params, prefix, tags.
    The same line gives the same object: the trace id is made from the envelope's id, the timestamp is the platform's own
    time, and ``now`` stands in only where the platform gave none. Never raises.
    """
    if is_blank(line):
        return {"ignored": ""}
    try:
        parsed = parse_line(_within_limit(line))
        return wire_form(parsed) if wire else _envelope(parsed, now, connection)
    except IrcError as error:
        return {"error": {"code": error.code, "message": error.message}}


def written(record: dict[str, Any]) -> bytes:
    """``record`` as one line of JSON in UTF-8, with its line feed.

    What some readers take for a line end (U+0085, U+2028, U+2029) is escaped, so that every record stays one line.
    """
    return json.dumps(record, ensure_ascii=False).translate(_LINE_ENDS).encode("utf-8", "replace") + b"\n"


def wire_form(line: IrcLine) -> dict[str, Any]:
    """A parsed line as JSON: command, params, prefix (or null) and tags, unescaped."""
    prefix = line.prefix and {"nick": line.prefix.nick, "user": line.prefix.user, "host": line.prefix.host}
    return {"command": line.command, "params": list(line.params), "prefix": prefix, "tags": dict(line.tags)}


def _within_limit(line: bytes) -> bytes:
    if len(line.rstrip(b"\r\n")) > MAX_LINE:
        raise IrcError("irc.line_too_long", f"the line is longer than {MAX_LINE} bytes")
    return line


def _envelope(line: IrcLine, now: datetime, connection: str) -> dict[str, Any]:
    event = to_event(line)
    if event is None:
        return {"ignored": line.command}
    time = event.source_time or now
    envelope = mint(event, connection=connection, egress_destination=egress_topic(connection), now=time, trace_id="")
    trace_id = uuid.UUID(named_id(f"trace:{envelope.id}")).hex
    return {"envelope": envelope.but(trace_id=trace_id).to_wire()}

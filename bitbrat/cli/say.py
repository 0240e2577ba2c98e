"""``bitbrat say`` and ``bitbrat send``: an event that nobody sent, on the way that a real one takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bitbrat.api.events import ROLES, NewEvent, read_event
from bitbrat.cli.output import FAILED, print_json
from bitbrat.cli.show import WELL, told
from bitbrat.errors import BitBratError

_ROLE = click.option("--as", "role", type=click.Choice(ROLES), default="viewer", show_default=True, help="The user's chat role.")
_USER = click.option("--user", default="you", show_default=True, help="The user's name.")
_TIMEOUT = click.option("--timeout", type=click.FloatRange(0.1, 3600), default=30.0, show_default=True, help="Seconds to wait for the end.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.command()
@click.argument("text")
@_ROLE
@_USER
@_TIMEOUT
@_JSON
def say(text: str, role: str, user: str, timeout: float, as_json: bool) -> int:
    """Simulate a chat message TEXT and see what becomes of it. Nothing is sent to the chat.

    Exits 1 when the message failed.
    """
    return simulate(checked(NewEvent.said(text, user=user, role=role).to_json()), timeout, as_json)


@click.command()
@click.argument("event_type", metavar="[TYPE]", required=False)
@click.argument("fields", metavar="[KEY=VALUE]...", nargs=-1)
@click.option(
    "--file", "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A JSON object: the payload, or the event."
)
@_ROLE
@_USER
@_TIMEOUT
@_JSON
def send(event_type: str | None, fields: tuple[str, ...], file: Path | None, role: str, user: str, timeout: float, as_json: bool) -> int:
    """Simulate an event of TYPE (external.….v1) with the payload KEY=VALUE…; a VALUE may be JSON.

    The payload may come from --file as well. A file that has "type" and "payload" is the whole event. Exits 1 when the message failed.
    """
    body: dict[str, Any] = {"user": user, "role": role}
    content = read_object(file) if file is not None else {}
    if file is not None and event_type is None and {"type", "payload"} <= set(content):
        body |= content
    elif event_type is None:
        raise click.UsageError("which TYPE? It looks like external.shop.sold.v1")
    else:
        body |= {"type": event_type, "payload": {**content, **dict(map(pair, fields))}}
    return simulate(checked(body), timeout, as_json)


def simulate(event: NewEvent, timeout: float, as_json: bool) -> int:
    """Send it, wait for its end, print that."""
    from bitbrat.api.operator import Operator
    from bitbrat.cli.connect import ask

    async def question(operator: Operator) -> tuple[str, dict[str, Any] | None]:
        identity = await operator.send(event)
        return identity, await operator.ended(identity, seconds=timeout)

    identity, row = ask(question, platform=True)
    if row is None:
        fix = f"bitbrat trace {identity}, or wait longer: --timeout {timeout * 4:g}"
        raise BitBratError(
            "cli.not_ended", f"the message has not ended within {timeout:g} s", why="it is kept, and goes on by itself", fix=fix
        )
    if as_json:
        print_json(row)
    else:
        click.echo("\n".join(told(row)))
    if row["outcome"] in WELL:
        return 0
    if not as_json:
        click.echo(f"  bitbrat trace {identity}")
    return FAILED


def checked(body: dict[str, Any]) -> NewEvent:
    """The event, or a usage error with everything that is wrong with it."""
    event, errors = read_event(body)
    if event is None:
        raise click.UsageError("; ".join(f"{error['pointer'].strip('/')}: {error['message']} ({error['fix']})" for error in errors))
    return event


def pair(text: str) -> tuple[str, Any]:
    """``key=value``; a value that is JSON counts as what it is."""
    from bitbrat.codec import parse_json

    key, equals, value = text.partition("=")
    if not equals or not key:
        raise click.UsageError(f"{text!r} is not of the form KEY=VALUE")
    try:
        return key, parse_json(value.encode(), limit=65_536)
    except BitBratError:
        return key, value


def read_object(file: Path) -> dict[str, Any]:
    """The JSON object in ``file``, or a usage error."""
    from bitbrat.codec import parse_json

    try:
        found = parse_json(file.read_bytes(), limit=262_144)
    except OSError as error:
        raise click.UsageError(f"{file} cannot be read: {error.strerror}") from None
    except BitBratError as error:
        raise click.UsageError(f"{file} is not a JSON object: {error.message or error.code}") from None
    if not isinstance(found, dict):
        raise click.UsageError(f"{file} is not a JSON object")
    return found

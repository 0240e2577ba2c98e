"""``bitbrat rules``: those in force, their own tests, and why one matches a message or does not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import click

from bitbrat.api.events import CHAT, ROLES, NewEvent
from bitbrat.api.operator import Operator
from bitbrat.cli.output import FAILED, print_json, table

_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_FILES = click.option("--rules", "place", default="", metavar="PATH", help="Those of this file or folder, whatever is running.")


@click.group()
def rules() -> None:
    """Rules: list, test, explain."""


@rules.command("list")
@_FILES
@_JSON
def list_(place: str, as_json: bool) -> int:
    """List the rules in the order in which they are tried. Exits 1 when something is wrong with the files."""
    found = asked(lambda operator: operator.rules(), place)
    if as_json:
        print_json(found)
    else:
        lines = [
            (rule["id"], rule["version"], rule["priority"], _does(rule), _at(rule), "" if rule["enabled"] else "off")
            for rule in found["rules"]
        ]
        click.echo(table(lines, ("RULE", "VERSION", "PRIORITY", "THEN", "WHERE", "")) if lines else "No rules.")
    return _problems(found, as_json)


@rules.command()
@_FILES
@_JSON
def test(place: str, as_json: bool) -> int:
    """Run the rules' own examples. Exits 1 when one fails, or something is wrong with the files."""
    found = asked(lambda operator: operator.rule_tests(), place)
    failed = [one for one in found["tests"] if not one["passed"]]
    if as_json:
        print_json(found)
    else:
        for one in failed:
            click.echo(f"{one['file']}:{one['line']}: {one['rule']}: {one['example']!r}: {one['message']}")
        click.echo(f"{found['rules']} rules, {len(found['tests'])} tests, {len(failed)} failed.")
    return _problems(found, as_json) or (FAILED if failed else 0)


@rules.command()
@click.argument("text")
@click.option("--as", "role", type=click.Choice(ROLES), default="viewer", show_default=True, help="The user's chat role.")
@click.option("--user", default="you", show_default=True, help="The user's name.")
@click.option("--type", "event_type", default=CHAT, show_default=True, help="The event's type.")
@_FILES
@_JSON
def explain(text: str, role: str, user: str, event_type: str, place: str, as_json: bool) -> int:
    """Say which rule a chat message TEXT would match, and why the others do not."""
    from bitbrat.cli.say import checked

    said = NewEvent.said(text, user=user, role=role).to_json() | {"type": event_type}
    event = checked(said)
    found = asked(lambda operator: operator.explain_rules(event), place)
    if as_json:
        print_json(found)
    else:
        click.echo("\n".join(_explained(found)))
    return _problems(found, as_json)


def asked(question: Callable[[Operator], Awaitable[dict[str, Any]]], place: str = "") -> dict[str, Any]:
    """The answer of the process that runs the rules; where none does, or ``place`` is given, that of the files."""
    from bitbrat.cli.connect import environment, remote

    async def answered() -> dict[str, Any]:
        environ = environment()
        owner = None if place else await remote(environ)
        if owner is None:
            from bitbrat.cli.inhouse import of_files

            return await question(of_files({**environ, "BITBRAT_ROUTER__RULES": place} if place else environ))
        try:
            return await question(owner)
        finally:
            await owner.close()

    return asyncio.run(answered())


def _explained(found: Mapping[str, Any]) -> Iterable[str]:
    yield f"matches {found['match']}" if found["match"] else "matches no rule"
    width = max((len(one["rule"]) for one in found["rules"]), default=0)
    for one in found["rules"]:
        mark = "->" if one["rule"] == found["match"] else " ~" if one["almost"] else "  "
        yield f"{mark} {one['rule']:<{width}}  {one['line']}"


def _does(rule: Mapping[str, Any]) -> str:
    steps = [step if isinstance(step, str) else str(step.get("step")) for step in rule.get("slip") or ()]
    parts = [f"slip {', '.join(steps)}"] if steps else []
    parts += [name for name in ("reply", "annotate", "cooldown") if rule.get(name)]
    return "; ".join(parts)


def _at(rule: Mapping[str, Any]) -> str:
    return f"{rule['file']}:{rule['line']}"


def _problems(found: Mapping[str, Any], as_json: bool) -> int:
    """Say what is wrong with the files, each with its line and column: 1 when something is, else 0."""
    for problem in () if as_json else (*found["problems"], *found["warnings"]):
        colour = "red" if problem in found["problems"] else "yellow"
        place = f"{problem['file']}:{problem['line']}:{problem['column']}"
        click.secho(f"{place}: {problem['code']}: {problem['message']}", fg=colour, err=True)
    return FAILED if found["problems"] else 0

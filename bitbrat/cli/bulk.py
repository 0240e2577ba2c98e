"""Something done to many failures: shown first, one after the other, counted, and never more than was shown."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import click

from bitbrat.api.operator import Operator
from bitbrat.cli.failures import collect, span
from bitbrat.cli.output import FAILED, SOME_FAILED, print_json, told
from bitbrat.cli.show import WELL
from bitbrat.errors import BitBratError
from bitbrat.world import RealWorld

Result = dict[str, Any]
SETTLE_LOOKS, SETTLE_EVERY = 40, 0.05


class Deed(Protocol):
    """What is done to each. ``harmless``: whoever names the failures one by one need not be asked again."""

    @property
    def verb(self) -> str:
        """In a word."""
        ...

    @property
    def harmless(self) -> bool:
        """See the class."""
        ...

    @property
    def plan(self) -> str:
        """In a line."""
        ...

    async def do(self, operator: Operator, name: str) -> Result:
        """Do it. Raises ``BitBratError`` when it could not be done."""
        ...

    async def finish(self, operator: Operator, result: Result) -> Result:
        """See what came of it."""
        ...


@dataclass(frozen=True)
class Discard:
    """Take it off the list."""

    verb: str = "discard"
    harmless: bool = False

    @property
    def plan(self) -> str:
        """In a line."""
        return "their records stay, they leave the list of failures"

    async def do(self, operator: Operator, name: str) -> Result:
        """Do it."""
        found = await operator.discard(name)
        return {"original": found["id"], "state": found["state"], "well": True}

    async def finish(self, operator: Operator, result: Result) -> Result:  # noqa: ARG002 - nothing more to see
        """It is done already."""
        return result


@dataclass(frozen=True)
class Replay:
    """Send it on its way once more, and see how that ends."""

    mode: str
    egress: str
    reason: str
    timeout: float
    verb: str = "replay"
    harmless: bool = True

    @property
    def plan(self) -> str:
        """In a line."""
        replies = {
            "auto": "replies to what is older than 2 min are suppressed",
            "live": "replies go out",
            "suppress": "replies are suppressed",
        }
        return f"mode {self.mode}; {replies[self.egress]}"

    async def do(self, operator: Operator, name: str) -> Result:
        """Do it."""
        return await operator.replay(name, mode=self.mode, egress=self.egress, reason=self.reason)

    async def finish(self, operator: Operator, result: Result) -> Result:
        """Wait for its end; ``well`` is None when it has not ended in time."""
        row = await operator.ended(result["id"], seconds=self.timeout) if self.timeout else None
        if row is None:
            return {**result, "outcome": None, "well": None}
        ended = {"outcome": row["outcome"], "code": row["code"], "well": row["outcome"] in WELL}
        return {**result, **ended, "state": await _settled(operator, result["original"])}


async def _settled(operator: Operator, original: str) -> str:
    """The state of the original once it knows how its replay ended: it is told a moment later."""
    for _ in range(SETTLE_LOOKS):
        state = str((await operator.failure(original))["state"])
        if state != "replaying":
            return state
        await asyncio.sleep(SETTLE_EVERY)
    return "replaying"


@dataclass
class Bulk:
    """The failures that are meant, and how to go about it."""

    ids: tuple[str, ...]
    everything: bool
    group: str
    dry_run: bool
    yes: bool
    as_json: bool
    results: list[Result] = field(default_factory=list)

    def __post_init__(self) -> None:
        first = next(iter(self.ids), "")
        if len(self.ids) == 1 and first.startswith("F-") and not self.group:
            self.ids, self.group = (), first
        if sum((bool(self.ids), self.everything, bool(self.group))) != 1:
            raise click.UsageError("name failures by ID, or give --all, or --group FINGERPRINT")

    async def run(self, operator: Operator, deed: Deed) -> int:
        """Show, ask, do, count: the exit code."""
        rows = await self._snapshot(operator)
        if not rows:
            return self._say("Nothing to do: no open failures of that kind.")
        if not self._agreed(rows, deed):
            return self._say("Nothing was done.")
        begun = [await self._one(operator, deed, str(row["id"])) for row in rows]
        self.results = [await deed.finish(operator, result) if "error" not in result else result for result in begun]
        return self._report(deed)

    async def _snapshot(self, operator: Operator) -> list[Mapping[str, Any]]:
        """What is meant, as it is now: it cannot grow. The oldest first, as they came."""
        if self.ids:
            return [{"id": name} for name in dict.fromkeys(self.ids)]
        return [*reversed(await collect(operator, group=self.group, states=["open"]))]

    def _agreed(self, rows: list[Mapping[str, Any]], deed: Deed) -> bool:
        now = RealWorld().now()
        what = span(rows, now) if not self.ids else f"{len(rows)} named: {', '.join(self.ids)[:200]}"
        sure = self.yes or (bool(self.ids) and deed.harmless)
        if not self.as_json and (self.dry_run or not self.ids or not sure):
            click.echo(f"Will {deed.verb} {what} (as of {now.astimezone():%H:%M:%S}); {deed.plan}.")
        if self.dry_run:
            if self.as_json:
                print_json({"would": deed.verb, "ids": [row["id"] for row in rows]})
            return False
        if sure:
            return True
        if not sys.stdin.isatty():
            raise BitBratError("cli.refused", f"this would {deed.verb} {what}", why="there is no terminal to ask on", fix="add --yes")
        return click.confirm("Go on?")

    async def _one(self, operator: Operator, deed: Deed, name: str) -> Result:
        try:
            return await deed.do(operator, name)
        except BitBratError as error:
            if error.code == "cli.cannot_connect":
                raise
            if not self.as_json:
                told(error)
            return {"original": name, "error": error.code, "message": error.message, "well": False}

    def _report(self, deed: Deed) -> int:
        well = sum(result["well"] is True for result in self.results)
        waiting = sum(result["well"] is None for result in self.results)
        bad = len(self.results) - well - waiting
        if self.as_json:
            print_json({"results": self.results, "ok": well, "failed": bad, "waiting": waiting})
        else:
            for result in self.results:
                click.echo(_line(result))
            click.echo(f"{deed.verb}: ok {well}  failed {bad}{f'  on their way {waiting}' if waiting else ''}")
        if not bad:
            return 0
        return FAILED if bad == len(self.results) == 1 else SOME_FAILED

    def _say(self, text: str) -> int:
        if not self.as_json:
            click.echo(text)
        elif not self.dry_run:
            print_json({"results": [], "ok": 0, "failed": 0, "waiting": 0})
        return 0


def _line(result: Result) -> str:
    if "error" in result:
        return f"  {result['original']}  {result['error']}"
    if "id" not in result:
        return f"  {result['original']}  {result['state']}"
    end = "on its way" if result["well"] is None else f"{result['outcome']} {result.get('code') or ''}".strip()
    return f"  {result['original']} -> {result['id']}  from {result['topic']}, egress {result['egress']}  {end}"

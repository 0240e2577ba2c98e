"""The operator of this process: its store, and where it runs, its platform."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from typing import Any, Protocol, cast, get_args

from bitbrat import __version__, operations
from bitbrat.api.events import NewEvent
from bitbrat.api.operator import Json, Page
from bitbrat.api.rows import cursor, place, row, whole
from bitbrat.api.ruleviews import explained, listed, tested
from bitbrat.errors import BitBratError, Problem
from bitbrat.replay import Mode
from bitbrat.rules import Ruleset
from bitbrat.runtime import Runtime
from bitbrat.store import FinalRecord, FinalState, Store
from bitbrat.story import story_of_record
from bitbrat.topics import EGRESS
from bitbrat.world import World

LAST = "last"
LOOK_AGAIN = 0.02
"""Seconds between two looks for a final record."""
CONNECTION = "simulator"


class Rules(Protocol):
    """The rules that somebody holds: those in force, and what is wrong with the files as they are now."""

    @property
    def rules(self) -> Ruleset:
        """In force."""
        ...

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Empty when those in force are those of the files."""
        ...


class StoreOperator:
    """Answers from a store alone. What needs a running platform is refused with ``cli.cannot_connect``."""

    def __init__(self, store: Store, world: World, *, rules: Callable[[], Rules | None] = lambda: None, by: str = "") -> None:
        self.store = store
        self.world = world
        self._rules = rules
        self._by = by

    async def status(self) -> Json:
        """The store's health; there is no process to tell of."""
        return {"version": __version__, "pid": os.getpid(), "store": await self._store_status(), "counts": dict(await self.store.counts())}

    async def _store_status(self) -> Json:
        known = self.store.capabilities
        return {"name": known.name, "durable": known.durable, "shared": known.shared, "healthy": await self.store.healthy()}

    async def send(self, event: NewEvent) -> str:
        """Refused: nothing here would take it on its way."""
        raise BitBratError("cli.cannot_connect", f"no platform runs here that could take {event.type}")

    async def ended(self, envelope_id: str, *, seconds: float) -> Json | None:
        """See :class:`bitbrat.api.operator.Operator`."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    record = await self.store.final(envelope_id)
                    if record is not None and record.outcome != "pending_reply":
                        return row(record)
                    await asyncio.sleep(LOOK_AGAIN)
        except TimeoutError:
            return None

    async def messages(self, *, after: str = "", newest_first: bool = False, limit: int = 100) -> Page:
        """See :class:`bitbrat.api.operator.Operator`."""
        found = await self.store.finals(after=_place(after), newest_first=newest_first, limit=limit)
        return Page([row(record) for record in found], cursor(found[-1]) if found else after)

    async def message(self, name: str) -> Json:
        """See :class:`bitbrat.api.operator.Operator`."""
        record = await self._last() if name == LAST else await self.store.final(name)
        if record is None:
            what = "nothing has ended yet" if name == LAST else f"there is no message {name!r:.140} that has ended"
            raise BitBratError("cli.not_found", what)
        return story_of_record(record).to_json()

    async def _last(self) -> FinalRecord | None:
        return next(iter(await self.store.finals(limit=1)), None)

    async def failures(self, *, group: str = "", states: Sequence[str] = (), after: str = "", limit: int = 100) -> Page:
        """See :class:`bitbrat.api.operator.Operator`."""
        wanted = cast(Sequence[FinalState], states) or operations.OPEN
        found = await operations.failures(self.store, fingerprint=group, states=wanted, after=_place(after), limit=limit)
        return Page([row(record) for record in found], cursor(found[-1]) if found else after)

    async def groups(self) -> list[Json]:
        """See :class:`bitbrat.api.operator.Operator`."""
        return [group.to_json() for group in await operations.groups(self.store)]

    async def failure(self, name: str) -> Json:
        """See :class:`bitbrat.api.operator.Operator`."""
        return whole(await operations.show(self.store, await self._named(name)))

    async def replay(self, name: str, *, mode: str = "resume", egress: str = "auto", reason: str = "") -> Json:
        """Refused: nothing here would take it on its way."""
        raise BitBratError("cli.cannot_connect", f"no platform runs here that could {mode} {name} ({egress}{reason and ', '}{reason})")

    async def discard(self, name: str) -> Json:
        """See :class:`bitbrat.api.operator.Operator`."""
        return row(await operations.discard(self.store, await self._named(name)))

    async def _named(self, name: str) -> str:
        if name != LAST:
            return name
        newest = await operations.failures(self.store, states=get_args(FinalState), limit=1)
        return newest[0].id if newest else LAST

    async def rules(self) -> Json:
        """See :class:`bitbrat.api.operator.Operator`."""
        book = self._book()
        return listed(book.rules, book.problems)

    async def rule_tests(self) -> Json:
        """See :class:`bitbrat.api.operator.Operator`."""
        book = self._book()
        return tested(book.rules, book.problems)

    async def explain_rules(self, event: NewEvent) -> Json:
        """See :class:`bitbrat.api.operator.Operator`."""
        book = self._book()
        return explained(book.rules, book.problems, event, now=self.world.now())

    def _book(self) -> Rules:
        book = self._rules()
        if book is None:
            raise BitBratError("cli.no_rules", "this process runs no router, so it has no rules")
        return book

    async def close(self) -> None:
        """Close the store."""
        await self.store.close()


class PlatformOperator(StoreOperator):
    """Answers from a platform that runs in this process. Closing it leaves the platform alone."""

    def __init__(self, runtime: Runtime, *, by: str = "") -> None:
        super().__init__(runtime.store, runtime.world, rules=lambda: rules_of(runtime), by=by)
        self._runtime = runtime

    async def status(self) -> Json:
        """The process, its services and steps, its bus and its store."""
        runtime, bus = self._runtime, self._runtime.bus.capabilities
        trouble = await runtime.trouble()
        return {
            **await super().status(),
            "trouble": trouble._asdict() if trouble else None,
            "services": [service.name for service in runtime.services],
            "steps": sorted(step.name for service in runtime.services for step in service.steps),
            "topics": sorted(topic.name for topic in runtime.registry),
            "bus": {"name": bus.name, "durable": bus.durable, "shared": bus.shared, "healthy": await runtime.bus.healthy()},
        }

    async def send(self, event: NewEvent) -> str:
        """See :class:`bitbrat.api.operator.Operator`."""
        envelope = await self._runtime.ingest(
            "",
            event.type,
            event.payload,
            platform=event.platform,
            connection=CONNECTION,
            channel=event.channel,
            user=event.sender(),
            egress_destination=EGRESS,
            simulated=True,
        )
        return envelope.id

    async def replay(self, name: str, *, mode: str = "resume", egress: str = "auto", reason: str = "") -> Json:
        """See :class:`bitbrat.api.operator.Operator`."""
        replayed = await operations.replay(
            self.store,
            self.world,
            self._runtime.send,
            await self._named(name),
            mode=cast(Mode, mode),
            egress=cast(operations.Egress, egress),
            by=self._by,
            reason=reason,
        )
        return replayed.to_json()

    async def close(self) -> None:
        """Nothing: the platform goes on."""


def rules_of(runtime: Runtime) -> Rules | None:
    """What the router of this process holds; None when it runs none."""
    for service in runtime.services:
        state: Any = runtime.state_of(service)
        if isinstance(getattr(state, "rules", None), Ruleset):
            return cast(Rules, state)
    return None


def _place(after: str) -> Any:
    try:
        return place(after)
    except ValueError as error:
        raise BitBratError("http.bad_request", f"{after!r:.80} is not a cursor: {error}") from None

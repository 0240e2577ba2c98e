"""Messages through a whole platform whose store is PostgreSQL."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bitbrat import Context, Envelope, Handled, Outcome, Service
from bitbrat.adapters.memory_bus import MemoryBus
from bitbrat.adapters.pg_store import PgStore
from bitbrat.envelope import Delivered
from bitbrat.runtime import build, running
from bitbrat.testing import Platform, an_envelope
from bitbrat.world import RealWorld
from services.auth import service as auth
from services.dlq import service as dlq
from services.finalizer import service as finalizer
from services.router import RouterSettings
from services.router import service as router
from tests import postgres_server

RULES = "- {id: hat, match: {command: '!hat'}, slip: [hats]}\n"


class Hats:
    """A step that counts in a document, and an egress that says what it is given."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.steps = Service("toys")
        self.steps.step("internal.hats.v1", effects="transactional")(self.count)
        self.egress = Service("mouth")
        self.egress.consumer("internal.egress.v1", role="egress")(self.speak)

    async def count(self, envelope: Envelope, ctx: Context) -> Outcome:
        """One more hat."""
        hats = (await ctx.tx.get("counters", "hats") or 0) + 1
        await ctx.tx.put("counters", "hats", hats)
        return Handled(reply=f"{hats} hats")

    async def speak(self, envelope: Envelope, ctx: Context) -> Envelope:
        """What egress does, without a connection."""
        open_ = [reply for reply in envelope.replies if reply.delivered is None]
        self.said += [reply.text or "" for reply in open_]
        done = Delivered(at=ctx.now(), provider_id="m1")
        return envelope.but(replies=tuple(reply if reply.delivered else reply.but(delivered=done) for reply in envelope.replies))


@pytest.fixture(autouse=True)
def _end():
    """The server ends with the tests."""
    yield
    postgres_server.stop_all()


async def test_a_transactional_step_takes_effect_once_for_each_message(tmp_path: Path) -> None:
    """Twenty messages at once: twenty hats, twenty different replies, twenty final records, an empty outbox."""
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES)
    hats, world = Hats(), RealWorld()
    store = PgStore(postgres_server.shared().corner())
    services = (auth, router, finalizer, dlq, hats.steps, hats.egress)
    settings = {"router": RouterSettings(rules=str(rules))}
    async with running(build(services, bus=MemoryBus(world), store=store, world=world, settings=settings)) as runtime:
        records = await asyncio.gather(*(Platform(runtime).ingest("!hat", user=an_envelope().user, seconds=30) for _ in range(20)))
        counted = await store.get("counters", "hats")
        async with asyncio.timeout(10):
            while (counts := await store.counts())["outbox"]:
                await asyncio.sleep(0.01)

    assert [(record.outcome, record.code) for record in records] == [("handled", "")] * 20
    assert counted is not None
    assert counted.value == 20
    assert sorted(hats.said) == sorted(f"{number} hats" for number in range(1, 21))
    assert (counts["final.handled"], counts["final.surplus"], counts["quarantine"]) == (20, 0, 0)

"""The core services together: from ingress to the final record, with failures, dead letters and replays on the way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from bitbrat import Context, Envelope, Handled, Next, Outcome, Reroute, Retry, Service, StepFailed
from bitbrat.adapters.memory_bus import MemoryBus
from bitbrat.adapters.memory_store import MemoryStore
from bitbrat.adapters.sqlite_bus import SqliteBus
from bitbrat.adapters.sqlite_store import SqliteStore
from bitbrat.bus import Message
from bitbrat.codec import decode, encode
from bitbrat.envelope import Delivered
from bitbrat.errors import BitBratError
from bitbrat.operations import discard, failures, groups, replay, show
from bitbrat.runtime import build
from bitbrat.runtime import running as process
from bitbrat.slip import forward
from bitbrat.testing import Platform, an_envelope
from bitbrat.topics import DLQ
from bitbrat.world import RealWorld
from services.auth import service as auth
from services.commands import service as commands
from services.dlq import service as dlq
from services.finalizer import FinalizerSettings
from services.finalizer import service as finalizer
from services.greeter import service as greeter
from services.router import RouterSettings
from services.router import service as router

ROOT = Path(__file__).parents[2]
RULES = """
- {id: hello, match: {command: "!hello"}, slip: [greeter]}
- {id: flaky, match: {command: "!flaky"}, slip: [flaky]}
- {id: broken, match: {command: "!broken"}, slip: [{step: broken, maxAttempts: 2}, greeter]}
- {id: lurk, match: {command: "!lurk"}, reply: "bye {user.displayName}"}
- {id: uptime, match: {command: "!uptime"}, slip: [commands]}
""" + "".join(f"- {{id: loop{i:02}, priority: {200 + i}, match: {{command: '!loop'}}, slip: [loop]}}\n" for i in range(12))


class Toys:
    """Steps that fail on purpose, and what they and egress have done."""

    def __init__(self) -> None:
        self.attempts: list[int] = []
        self.mended = False
        self.said: list[str] = []
        self.deaf = False
        self.steps = Service("toys")
        quickly = Retry(base=0.01)
        self.steps.step("internal.flaky.v1", retry=quickly)(self.flaky)
        self.steps.step("internal.broken.v1", retry=quickly)(self.broken)
        self.steps.step("internal.loop.v1")(self.loop)
        self.egress = Service("mouth")
        self.egress.consumer("internal.egress.v1", role="egress")(self.speak)

    async def flaky(self, envelope: Envelope, ctx: Context) -> Outcome:
        """Fails twice and then works."""
        self.attempts.append(ctx.attempt)
        if ctx.attempt < 2:
            raise StepFailed("toys.flaky", "not yet", retryable=True)
        return Handled(reply="third time lucky")

    async def broken(self, envelope: Envelope, ctx: Context) -> Outcome:
        """Fails until it is mended."""
        if not self.mended:
            raise KeyError(f"target 12345 of {envelope.id}")
        return Next(replies=["mended"])

    async def loop(self, envelope: Envelope, ctx: Context) -> Outcome:
        """Always wants a new slip."""
        return Reroute("not for me")

    async def speak(self, envelope: Envelope, ctx: Context) -> Envelope:
        """What egress does, without a connection."""
        open_ = [reply for reply in envelope.replies if reply.delivered is None]
        self.said += [reply.text or "" for reply in open_]
        done = Delivered(at=ctx.now(), provider_id="m1")
        return envelope.but(replies=tuple(reply if reply.delivered else reply.but(delivered=done) for reply in envelope.replies))


@pytest.fixture(params=["memory", "sqlite"])
def store(request, tmp_path):
    """Each store in turn; the bus of the platform is of the same kind."""
    return MemoryStore(RealWorld()) if request.param == "memory" else SqliteStore(tmp_path / "flow.db", RealWorld())


@pytest.fixture
def toys() -> Toys:
    """Fresh toys."""
    return Toys()


@asynccontextmanager
async def core(toys: Toys, store, tmp_path, *more: Service) -> AsyncIterator[Platform]:
    """The core services with the rules above."""
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES)
    settings = {"router": RouterSettings(rules=str(rules)), "finalizer": FinalizerSettings(sweep_seconds=0.05)}
    services = (auth, router, commands, greeter, finalizer, dlq, toys.steps, toys.egress, *more)
    world = RealWorld()
    bus = SqliteBus(tmp_path / "flow.db", world) if store.capabilities.durable else MemoryBus(world)
    async with process(build(services, bus=bus, store=store, world=world, settings=settings)) as runtime:
        yield Platform(runtime)


async def until(check, seconds: float = 10.0) -> None:
    """Wait until ``check()`` holds."""
    async with asyncio.timeout(seconds):
        while not await check():
            await asyncio.sleep(0.01)


async def test_hello_is_answered(toys, store, tmp_path):
    """A chat line goes through auth, router, greeter and egress, and its record says all of it."""
    async with core(toys, store, tmp_path) as running:
        record = await running.ingest("!hello", user=an_envelope().user)

    assert toys.said == ["Hello, An Admin User!"]
    assert (record.outcome, record.code, record.surplus) == ("handled", "", 0)
    assert [visit["service"] for visit in record.detail["visits"]] == ["ingress", "auth", "router", "egress"]
    assert [(step["id"], step["status"], step["attempts"]) for step in record.detail["steps"]] == [("greeter", "OK", 1)]
    assert record.detail["rule"]["rule"] == "hello"
    assert record.detail["replies"] == [
        {"kind": "chat", "text": "Hello, An Admin User!", "by": "greeter", "state": "delivered", "providerId": "m1"}
    ]
    assert decode(record.data).routing_slip[0].status == "OK"


async def test_the_shipped_rules_and_commands_work_without_any_setting(toys, store, monkeypatch):
    """From the root of a checkout, with no settings at all."""
    monkeypatch.chdir(ROOT)
    world = RealWorld()
    services = (auth, router, commands, greeter, finalizer, dlq, toys.egress)
    async with process(build(services, bus=MemoryBus(world), store=store, world=world)) as runtime:
        for text in ("!ping", "!hello", "!commands"):
            await Platform(runtime).ingest(text, user=an_envelope().user)

    assert toys.said == ["pong", "Hello, An Admin User!", "Commands: !commands !dice !uptime"]


async def test_what_matches_no_rule_completes(toys, store, tmp_path):
    """An ordinary message is through at once, and nothing is said."""
    async with core(toys, store, tmp_path) as running:
        record = await running.ingest("good morning")

    assert (record.outcome, record.detail["rule"], toys.said) == ("completed", None, [])


async def test_a_rule_that_replies_needs_no_step(toys, store, tmp_path):
    """The reply of a rule goes out by itself."""
    async with core(toys, store, tmp_path) as running:
        record = await running.ingest("!lurk", user=an_envelope().user)

    assert (record.outcome, toys.said) == ("completed", ["bye An Admin User"])


async def test_a_step_that_fails_twice_and_then_works(toys, store, tmp_path):
    """Attempts are counted on the slip, and the third one's answer goes out."""
    async with core(toys, store, tmp_path) as running:
        record = await running.ingest("!flaky")

    assert (toys.attempts, toys.said) == ([0, 1, 2], ["third time lucky"])
    assert (record.outcome, record.detail["attempts"]) == ("handled", 3)


async def test_a_step_that_always_fails_is_one_failure_with_a_fingerprint(toys, store, tmp_path):
    """Two messages that fail alike are one group, whatever ids their errors name."""
    async with core(toys, store, tmp_path) as running:
        first, second = await running.ingest("!broken"), await running.ingest("!broken")
        found = await groups(store)

    assert (first.outcome, first.code, first.fingerprint) == ("failed", "step.crashed", second.fingerprint)
    assert [(step["id"], step["status"], step["attempts"]) for step in first.detail["steps"]] == [
        ("broken", "ERROR", 2),
        ("greeter", "SKIP", 0),
    ]
    assert [(group.count, group.step, group.code) for group in found] == [(2, "broken", "step.crashed")]
    assert "<n>" in found[0].message


async def test_a_replay_after_the_fix_has_a_new_id_and_takes_its_original_off_the_list(toys, store, tmp_path):
    """Only the failed step and those behind it run again; the failure leaves the list once that has ended well."""
    async with core(toys, store, tmp_path) as running:
        failed = await running.ingest("!broken")
        toys.mended = True
        sent = await replay(store, running.runtime.world, running.runtime.send, failed.id)
        again = await running.final(sent.id)
        await until(lambda: _state(store, failed.id, "replayed"))
        left = await failures(store)

    assert (sent.number, sent.topic, sent.egress) == (1, "internal.broken.v1", "live")
    assert (again.id != failed.id, again.replay_of, again.correlation_id) == (True, failed.id, failed.correlation_id)
    assert (again.outcome, toys.said, left) == ("completed", ["mended"], [])


async def test_a_replay_that_fails_again_puts_its_original_back(toys, store, tmp_path):
    """Nothing is mended: both are on the list, and the original can be replayed once more."""
    async with core(toys, store, tmp_path) as running:
        failed = await running.ingest("!broken")
        sent = await replay(store, running.runtime.world, running.runtime.send, failed.id)
        await running.final(sent.id)
        await until(lambda: _state(store, failed.id, "open"))
        left = {record.id for record in await failures(store)}
        second = await replay(store, running.runtime.world, running.runtime.send, failed.id, mode="reroute")

    assert left == {failed.id, sent.id}
    assert (second.number, second.topic, second.id != sent.id) == (2, "internal.authenticated.v1", True)


async def test_two_operators_at_once_make_one_replay(toys, store, tmp_path):
    """The second is told that it is under way."""
    async with core(toys, store, tmp_path) as running:
        failed = await running.ingest("!broken")
        world, send = running.runtime.world, running.runtime.send
        results = await asyncio.gather(*(replay(store, world, send, failed.id) for _ in range(5)), return_exceptions=True)

    assert [result.code for result in results if isinstance(result, BitBratError)] == ["dlq.not_open"] * 4


async def test_the_replay_of_an_old_message_is_quiet_unless_it_is_asked_to_speak(toys, store, tmp_path):
    """Nobody in chat remembers the question; steps take effect all the same, and a later replay can still speak."""
    async with core(toys, store, tmp_path) as running:
        old = an_envelope(id="old", text="!broken", timestamp=RealWorld().now() - timedelta(minutes=3))
        await _accept(running, old)
        failed = await running.final("old")
        quiet = await replay(store, running.runtime.world, running.runtime.send, failed.id, by="ann", reason="test")
        await running.final(quiet.id)
        toys.mended = True
        loud = await replay(store, running.runtime.world, running.runtime.send, quiet.id, egress="live")
        again = await running.final(loud.id)

    assert (quiet.egress, loud.egress) == ("suppressed", "live")
    assert (toys.said, again.detail["replies"][0]["state"]) == (["mended"], "delivered")


async def test_a_quiet_replay_says_nothing_and_records_that(toys, store, tmp_path):
    """What would have been said is on the record as suppressed."""
    async with core(toys, store, tmp_path) as running:
        failed = await running.ingest("!broken")
        toys.mended = True
        sent = await replay(store, running.runtime.world, running.runtime.send, failed.id, egress="suppress")
        again = await running.final(sent.id)

    assert (again.outcome, toys.said) == ("completed", [])
    assert [(reply["text"], reply["state"]) for reply in again.detail["replies"]] == [("mended", "suppressed")]


async def test_bytes_that_nobody_can_read_are_kept_whole(toys, store, tmp_path):
    """Poison on a step's topic becomes a dead letter with the bytes, the reason and the origin; it cannot be replayed."""
    async with core(toys, store, tmp_path) as running:
        await running.runtime.bus.publish("internal.greeter.v1", Message("poison", b"{not json", {}))
        await until(lambda: _any(store))
        (record,) = await failures(store)
        with pytest.raises(BitBratError) as refused:
            await replay(store, running.runtime.world, running.runtime.send, record.id)
        await discard(store, record.id)
        left = await failures(store)

    assert (record.id[:7], record.data, record.outcome) == ("sha256:", b"{not json", "dead_lettered")
    assert (record.code, record.source_topic, record.group) == ("envelope.not_json", "internal.greeter.v1", "greeter")
    assert (refused.value.code, left) == ("dlq.unreadable", [])


async def test_the_same_body_again_is_counted_not_listed(toys, store, tmp_path):
    """Each distinct body is one dead letter, with a count."""
    async with core(toys, store, tmp_path) as running:
        for i in range(3):
            await running.runtime.bus.publish(
                DLQ, Message(f"x{i}", b"\xff", {"bb-wire-id": "sha256:same", "bb-reason": "envelope.not_utf8"})
            )
        await until(lambda: _surplus(store, 2))
        found = await failures(store)

    assert [(record.code, record.surplus) for record in found] == [("envelope.not_utf8", 2)]


async def test_the_eleventh_reroute_is_refused(toys, store, tmp_path):
    """Two rules that send a message to each other come to an end."""
    async with core(toys, store, tmp_path) as running:
        record = await running.ingest("!loop")

    assert (record.outcome, record.code, len(record.detail["steps"])) == ("failed", "slip.too_many_reroutes", 11)
    assert record.detail["reroutes"] == 10


async def test_the_same_event_twice_is_one_envelope(toys, store, tmp_path):
    """A line that is received twice is answered once and recorded once."""
    async with core(toys, store, tmp_path) as running:
        first = await running.ingest("!hello", source_event_id="m-1", user=an_envelope().user)
        again = await running.ingest("!hello", source_event_id="m-1", user=an_envelope().user)

    assert (first.id, toys.said) == (again.id, ["Hello, An Admin User!"])


async def test_an_envelope_without_a_completion_is_a_dead_letter_that_can_be_shown(toys, store, tmp_path):
    """The end of the slip without a destination is not the end of the envelope."""
    async with core(toys, store, tmp_path) as running:
        lost = an_envelope(id="lost-envelope", text="good morning").without("finalization_destination")
        await _accept(running, lost)
        await running.final("lost-envelope")
        record = await show(store, "lost-env")

    assert (record.outcome, record.code, record.detail["text"]) == ("dead_lettered", "slip.no_completion", "good morning")


async def test_whatever_was_accepted_has_ended(toys, store, tmp_path):
    """Accepted = finalised + dead-lettered, and nothing is left in the outbox."""
    texts = ["!hello", "!flaky", "!broken", "!lurk", "!uptime", "good morning", "!loop", "!nothing"] * 5
    async with core(toys, store, tmp_path) as running:
        accepted = [record.id for record in await asyncio.gather(*(running.ingest(text) for text in texts))]
        await running.runtime.bus.publish("internal.greeter.v1", Message("poison", b"{", {}))
        await until(lambda: _any(store, "dead_lettered"))
        counts = await store.counts()

    finals = {name: count for name, count in counts.items() if name.startswith("final.") and count}
    assert (len(set(accepted)), finals) == (40, {"final.handled": 15, "final.completed": 15, "final.failed": 10, "final.dead_lettered": 1})
    assert counts["outbox"] == 0


async def _accept(running: Platform, envelope: Envelope) -> None:
    """Put an envelope of the test's own making on its way, as ingress would."""
    dispatch = forward(envelope, "ingress", now=running.runtime.world.now())
    assert dispatch is not None
    await running.runtime.bus.publish(dispatch.topic, Message(dispatch.wire_id, encode(dispatch.envelope), {}))


async def _state(store, envelope_id: str, state: str) -> bool:
    record = await store.final(envelope_id)
    return record is not None and record.state == state


async def _any(store, outcome: str = "dead_lettered") -> bool:
    return bool(await store.finals(outcomes=(outcome,)))


async def _surplus(store, count: int) -> bool:
    return any(record.surplus == count for record in await store.finals())

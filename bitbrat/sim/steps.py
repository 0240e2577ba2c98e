"""The steps of the simulation: one of every kind of effects, each doing what its event's plan says, with a ledger."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bitbrat import Context, Envelope, Failed, Handled, Next, Outcome, Reroute, Retry, Revise, Service, Skip, StepFailed
from bitbrat.sim.loop import INCARNATION
from bitbrat.sim.outside import Outside
from bitbrat.sim.store import SimStore
from bitbrat.sim.world import SimWorld
from bitbrat.slip import step_hop_id
from bitbrat.step import Effects

EFFECTS = "sim_effects"
"""Documents: how often a hop took effect, by its id."""
KINDS: dict[str, Effects] = {
    "note": "recorded",
    "slow": "recorded",
    "turn": "recorded",
    "pure": "none",
    "tx": "transactional",
    "long": "leased",
    "idem": "idempotent",
    "once": "at_most_once",
}
"""Step → its effects."""
TRANSACTED = ("tx", "long")
TIMEOUT = (5.0, 1.5)
"""Seconds that a handler has; a transactional one."""
NEVER = 3600.0


@dataclass(frozen=True)
class Start:
    """One start of a handler."""

    step: str
    hop: str
    attempt: int
    process: str
    at: float


class Book:
    """What the handlers did: the checker's witness. Survives every kill. ``failed``: hop and attempt;
    ``returned``: by hop, how many of its starts came to an end of their own."""

    def __init__(self) -> None:
        self.starts: list[Start] = []
        self.failed: set[tuple[str, int]] = set()
        self.returned: Counter[str] = Counter()


@dataclass(frozen=True)
class Place:
    """Where a handler runs: its process's view of the world, and what all share."""

    world: SimWorld
    store: SimStore
    book: Book
    outside: Outside
    crash: Callable[[], None]
    pause: Callable[[float], None]


def act_of(envelope: Envelope) -> str:
    """What the plan says about the current step."""
    acts = envelope.payload.get("acts") or {}
    return str(acts.get(str(envelope.current), "ok"))


def services(place: Place) -> dict[str, Service]:
    """The workload's services, for one process."""
    planner, works, calls = Service("planner"), Service("works"), Service("calls")
    planner.step("internal.plan.v1", concurrency=2)(_plan)
    for name, effects in KINDS.items():
        home = calls if effects in ("leased", "idempotent", "at_most_once") else works
        timeout = TIMEOUT[effects == "transactional"]
        home.step(f"internal.{name}.v1", effects=effects, concurrency=2, timeout=timeout, retry=Retry(base=0.2))(_step(name, place))
    return {"planner": planner, "works": works, "calls": calls}


async def _plan(envelope: Envelope, ctx: Context) -> Outcome:  # noqa: ARG001 - a handler's signature
    """The slip that the event asks for."""
    return Revise(*envelope.payload["slip"])


def _step(name: str, place: Place) -> Callable[[Envelope, Context], Awaitable[Outcome]]:
    async def handle(envelope: Envelope, ctx: Context) -> Outcome:
        return await _perform(name, place, envelope, ctx)

    return handle


async def _perform(name: str, place: Place, envelope: Envelope, ctx: Context) -> Outcome:
    incarnation = INCARNATION.get()
    process = incarnation.name if incarnation else ""
    place.world.note("start", ctx.hop_id, ctx.attempt, process)
    began = place.world.monotonic()
    place.book.starts.append(Start(name, ctx.hop_id, ctx.attempt, process, began))
    _witness(name, place, envelope, ctx)
    try:
        outcome = await _run(name, place, envelope, ctx)
    except asyncio.CancelledError:
        if place.world.monotonic() - began >= TIMEOUT[KINDS[name] == "transactional"] - 0.001:
            place.book.failed.add((ctx.hop_id, ctx.attempt))
        raise
    except Exception:
        place.book.failed.add((ctx.hop_id, ctx.attempt))
        raise
    finally:
        # Not reached by what was killed: that is the difference which the crash guard counts.
        place.book.returned[ctx.hop_id] += 1
    if isinstance(outcome, Failed):
        place.book.failed.add((ctx.hop_id, ctx.attempt))
    return outcome


def _witness(name: str, place: Place, envelope: Envelope, ctx: Context) -> None:
    """What must hold whenever a handler starts."""
    world, hop = place.world, ctx.hop_id
    index = envelope.current or 0
    world.always(all(step.status != "PENDING" for step in envelope.routing_slip[:index]), "SLIP", f"{hop} runs before an earlier step")
    world.always(envelope.status is None, "RAN_AFTER_HANDLED", f"{hop} runs on an envelope that is {envelope.status}")
    world.always(envelope.tenant_id == tenant(envelope.source.connection_id), "TENANT", f"{hop} runs for {envelope.tenant_id}")
    for place_before, step in enumerate(envelope.routing_slip[:index]):
        before = step_hop_id(envelope, place_before)
        took = step.id not in TRANSACTED or step.status != "OK" or place.store.tables.puts[EFFECTS, before] > 0
        world.always(took, "OK_WITHOUT_EFFECT", f"{hop} runs, and {before} before it is OK without its effect")
    if KINDS[name] == "none":
        return
    group = "calls" if KINDS[name] in ("leased", "idempotent", "at_most_once") else "works"
    attempt, done, at = place.store.tables.decided.get((group, hop), (-1, False, 0.0))
    late = at < place.store.claimed.get((group, hop), 0.0) and (done or attempt > ctx.attempt)
    world.always(not late, "RAN_AFTER_DECIDED", f"{hop} attempt {ctx.attempt} starts after attempt {attempt} was decided")


def tenant(connection: str | None) -> str:
    """Whose connection it is."""
    return f"tenant-{connection}"


async def _run(name: str, place: Place, envelope: Envelope, ctx: Context) -> Outcome:
    act = act_of(envelope)
    await place.world.io(0.05)
    await _accidents(name, act, place, ctx)
    if name == "long":
        if place.world.faults.hit("lease_outlived"):
            place.pause(place.world.faults.how("lease_outlived").uniform(3.5, 8.0))
        await asyncio.sleep(place.world.random() * 2.5)
    if name in TRANSACTED:
        count = await ctx.tx.get(EFFECTS, ctx.hop_id) or 0
        await place.world.io()
        await ctx.tx.put(EFFECTS, ctx.hop_id, count + 1)
    elif name in ("idem", "once"):
        await place.outside.call(place.world, ctx.hop_id, ctx.hop_id)
    elif name == "slow":
        await asyncio.sleep(1.0)
    return _outcome(name, act, envelope, ctx)


async def _accidents(name: str, act: str, place: Place, ctx: Context) -> None:
    """What goes wrong inside a handler."""
    faults = place.world.faults
    if act == "segv" or faults.hit("segv_in_handler"):
        place.crash()
        await asyncio.sleep(NEVER)
    if act == "poison":
        raise ValueError("poison")
    if act == "retry" and ctx.attempt == 0:
        raise StepFailed("sim.flaky", "not this time", retryable=True)
    if KINDS[name] != "none":  # which must come to the same each time, or it gives one envelope two continuations
        await _chances(place)


async def _chances(place: Place) -> None:
    faults = place.world.faults
    if faults.hit("pause_in_handler"):
        place.pause(faults.how("pause_in_handler").uniform(3.5, 8.0))
    if faults.hit("handler_error"):
        raise StepFailed("sim.flaky", "not this time", retryable=True)
    if faults.hit("handler_fatal"):
        raise StepFailed("sim.fatal", "never")
    if faults.hit("handler_hangs"):
        await asyncio.sleep(NEVER)
    if faults.hit("handler_slow"):
        await asyncio.sleep(1.0)


def _outcome(name: str, act: str, envelope: Envelope, ctx: Context) -> Outcome:
    if name == "turn":
        return Reroute("another slip")
    if act == "handled":
        return Handled(reply=f"{ctx.hop_id} handled")
    if act == "reply":
        return Next(replies=[f"{ctx.hop_id} says"])
    if act == "skip":
        return Skip("not for me")
    if act == "fail":
        return Failed("sim.no", "it does not work")
    if act == "revise":
        return Revise("tx")
    if act == "emit":
        ctx.emit("external.sim.emitted.v1", {"slip": ["tx"], "of": envelope.id})
    return Next()

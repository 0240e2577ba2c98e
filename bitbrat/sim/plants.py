"""Planted bugs: each alters the design in one known wrong way, and the checker must find it. Without one, nothing is altered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bitbrat.runtime import Runtime
from bitbrat.sim import plants_bus, plants_hop, plants_store
from bitbrat.sim.bus import SimBus
from bitbrat.sim.database import Ledger
from bitbrat.sim.store import SimStore


def _as_it_is(_runtime: Runtime) -> None:
    """Production's own."""


@dataclass(frozen=True)
class Plant:
    """What is altered; ``found``: as which violations it must be noticed."""

    found: tuple[str, ...] = ()
    bus: type[SimBus] = SimBus
    store: type[SimStore] = SimStore
    tables: type[Ledger] = Ledger
    locked: bool = True
    alter: Callable[[Runtime], None] = _as_it_is


PLANTS: dict[str, Plant] = {
    "ack_first": Plant(("LOST",), bus=plants_bus.AckFirst),
    "memory_dedupe_first": Plant(("LOST",), bus=plants_bus.SeenBefore),
    "no_inbox": Plant(("EFFECT_TWICE",), tables=plants_store.NoInbox),
    "inbox_ttl": Plant(("EFFECT_TWICE",), tables=plants_store.ShortMemory),
    "no_lock": Plant(("EFFECT_TWICE",), locked=False),
    "mark_sent_first": Plant(("LOST",), alter=plants_hop.mark_sent_first),
    "publish_in_tx": Plant(("OK_WITHOUT_EFFECT", "EFFECT_BUT_NOT_OK"), store=plants_store.PublishesInside, alter=plants_hop.lend_bus),
    "no_relay_ack_early": Plant(("LOST", "OUTBOX_UNSENT"), alter=plants_hop.no_relay_ack_early),
    "ignore_handled": Plant(("RAN_AFTER_HANDLED",), alter=plants_hop.ignore_handled),
    "final_append": Plant(("FINAL_TWICE",), tables=plants_store.Appends),
    "no_guard": Plant(("LOST", "STUCK"), alter=plants_hop.no_guard),
    "wire_id_is_envelope_id": Plant(("LOST",), bus=plants_bus.EnvelopeIds),
    "retry_same_wire_id": Plant(("LOST",), bus=plants_bus.OneIdForAllAttempts),
    "stale_attempt_runs": Plant(("TOO_MANY_RUNS", "RAN_AFTER_DECIDED"), tables=plants_store.ForgetsAttempts),
    "drop_early": Plant(("LOST",), alter=plants_hop.drop_early),
    "early_same_id": Plant(("LOST",), alter=plants_hop.early_same_id),
    "term_before_dlq": Plant(("LOST",), alter=plants_hop.term_before_dlq),
    "egress_repeats": Plant(("EXTERNAL_TWICE",), alter=plants_hop.egress_repeats),
    "second_visit_same_id": Plant(("LOST", "STUCK"), bus=plants_bus.OneIdForAllVisits, alter=plants_hop.second_visit_same_id),
    "cancel_counts": Plant(("ATTEMPT_WITHOUT_FAILURE",), alter=plants_hop.cancel_counts),
    "no_owner_token": Plant(("EFFECT_TWICE",), tables=plants_store.NoOwner),
}
"""Name → planted bug."""
CORRECT = Plant()

"""The systems outside, with a ledger of what reached them."""

from __future__ import annotations

from collections import Counter

from bitbrat.errors import StepFailed
from bitbrat.sim.world import SimWorld


class Outside:
    """What was called, by its key; what was said in chat, by its reply. Survives every kill."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.keys: dict[str, set[str]] = {}
        self.said: Counter[str] = Counter()

    async def call(self, world: SimWorld, hop_id: str, key: str) -> None:
        """A call for ``hop_id`` under an idempotency ``key``. Raises ``StepFailed`` (retryable: nothing was sent) or ``TimeoutError``."""
        if world.faults.hit("timeout_before"):
            raise StepFailed("sim.unreachable", "no connection", retryable=True)
        await world.io()
        self.calls[hop_id] += 1
        self.keys.setdefault(hop_id, set()).add(key)
        world.note("call", hop_id)
        if world.faults.hit("timeout_after_effect"):
            raise TimeoutError("no answer")
        await world.io()

    async def say(self, world: SimWorld, key: str, text: str) -> None:
        """Say ``text`` in chat. Raises ``StepFailed`` (retryable: nothing was said) or ``TimeoutError``."""
        if world.faults.hit("timeout_before"):
            raise StepFailed("sim.unreachable", "no connection", retryable=True)
        await world.io()
        self.said[key] += 1
        world.note("said", key, text)
        if world.faults.hit("timeout_after_effect"):
            raise TimeoutError("no answer")
        await world.io()

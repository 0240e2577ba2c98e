"""What all hops of a process share."""

from __future__ import annotations

from dataclasses import dataclass

from bitbrat.bus import Bus
from bitbrat.hop.observer import Observer
from bitbrat.hop.relay import Relay
from bitbrat.hop.routes import Routes
from bitbrat.hop.sender import Sender
from bitbrat.lease import LeaseKeeper
from bitbrat.store import Store
from bitbrat.topics import TopicRegistry
from bitbrat.world import World


@dataclass(frozen=True)
class Shared:
    """The ports and the helpers that every hop of a process works with."""

    bus: Bus
    store: Store
    world: World
    registry: TopicRegistry
    routes: Routes
    sender: Sender
    relay: Relay
    keeper: LeaseKeeper
    observer: Observer

    @property
    def holds_back(self) -> bool:
        """Whether a retry may wait in the outbox: not where the bus survives a kill and the store does not."""
        return self.store.capabilities.durable or not self.bus.capabilities.durable

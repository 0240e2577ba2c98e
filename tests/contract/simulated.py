"""The simulated bus and store, without faults and without delays, as the contract suites take them."""

from __future__ import annotations

from bitbrat.sim.broker import Broker
from bitbrat.sim.bus import SimBus
from bitbrat.sim.database import Database
from bitbrat.sim.faults import quiet
from bitbrat.sim.store import SimStore
from bitbrat.sim.world import Chronicle, SimWorld
from bitbrat.world import World

_brokers: dict[str, Broker] = {}
"""A broker outlives its clients: the next one at the same place finds what was left there."""
_databases: dict[str, Database] = {}


def still() -> SimWorld:
    """A simulated world in which nothing goes wrong and nothing takes time."""
    return SimWorld(0, quiet(), Chronicle(), lag=False)


def sim_bus(place: str, *, lease: float, dedupe_window: float, ingress_capacity: int) -> SimBus:
    """A connection to the broker at ``place``."""
    if place not in _brokers:
        _brokers[place] = Broker(still(), lease=lease, dedupe_window=dedupe_window, ingress_capacity=ingress_capacity)
    broker = _brokers[place]
    broker.lease = lease
    return SimBus(broker, broker.world)


def sim_store(place: str, world: World) -> SimStore:
    """A client of the database at ``place``."""
    if place not in _databases:
        _databases[place] = Database(world)
    return SimStore(_databases[place], still())

"""What our streams and consumers must look like on the server, and what differs.

Source: ``docs/concepts/delivery.md``. The reasons: a step topic that can be full never drains, since each hop publishes before it
acks; what expires unread is lost; old servers drop options without a word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bitbrat.adapters.nats_names import Names, Reader, consumer_name
from bitbrat.errors import ConfigError
from bitbrat.topics import TopicClass

Config = dict[str, Any]
NANO = 1_000_000_000
MAX_WAITING = 2048
"""How many members of a group may wait for a message at once."""


@dataclass(frozen=True)
class Shape:
    """What one deployment asks of a server. Times in seconds, sizes in bytes; -1 is no limit."""

    lease: float = 30.0
    dedupe_window: float = 120.0
    ingress_bytes: int = 1024**3
    ingress_messages: int = -1
    log_age: float = 30 * 86_400.0
    replicas: int = 1
    pending: int = 20_000
    """How many messages of a group may be in hand at once, those put back with a delay included."""


def stream(names: Names, kind: TopicClass, subjects: Iterable[str], shape: Shape) -> Config:
    """The stream of a class, as we create it."""
    door = kind == "ingress"
    return {
        "name": names.stream(kind),
        "description": f"BitBrat, topics of class {kind}",
        "subjects": sorted(subjects),
        "retention": "limits" if kind == "log" else "workqueue",
        "storage": "file",
        "discard": "new",
        "max_age": nanos(shape.log_age) if kind == "log" else 0,
        "max_bytes": shape.ingress_bytes if door else -1,
        "max_msgs": shape.ingress_messages if door else -1,
        "max_msgs_per_subject": -1,
        "max_msg_size": -1,
        "max_consumers": -1,
        "duplicate_window": nanos(shape.dedupe_window),
        "num_replicas": shape.replicas,
    }


def consumer(names: Names, reader: Reader, shape: Shape) -> Config:
    """The durable of a group, as we create it."""
    return {
        "durable_name": consumer_name(reader),
        "filter_subject": names.subject(reader.topic),
        "deliver_policy": "all",
        "replay_policy": "instant",
        "ack_policy": "explicit",
        "ack_wait": nanos(shape.lease),
        "max_deliver": -1,
        "max_ack_pending": shape.pending,
        "max_waiting": MAX_WAITING,
    }


MAY_CHANGE = frozenset({"subjects", "duplicate_window", "description", "ack_wait", "max_ack_pending", "max_waiting"})
"""What a new deployment may change on a running server. At the door also how much may wait there, for a log how long it is kept."""

AT_LEAST = frozenset({"num_replicas"})
"""What may be more than was asked for."""


def differences(asked: Config, found: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What the server reports otherwise than it was asked: name → (asked, found). What we do not ask for must be absent."""
    forbidden = {"backoff": None, "deliver_subject": "", "no_ack": False, "sealed": False, "discard_new_per_subject": False}
    differing = {name: (value, found.get(name, 0)) for name, value in asked.items() if not _same(name, value, found)}
    return differing | {name: (None, found[name]) for name, none in forbidden.items() if found.get(name) not in (none, None, [])}


def changeable(kind: TopicClass) -> Callable[[str], bool]:
    """Whether a difference of that name may be put right by an update."""
    own = {"ingress": ("max_bytes", "max_msgs"), "step": (), "log": ("max_age",)}[kind]
    return lambda name: name in MAY_CHANGE or name in own


def refuse(what: str, differing: Mapping[str, tuple[Any, Any]]) -> ConfigError:
    """The error that names each difference."""
    told = ", ".join(f"{name} is {found!r}, needed is {asked!r}" for name, (asked, found) in sorted(differing.items()))
    return ConfigError(
        "config.breaks_promise",
        f"the NATS {what} differs from what was asked: {told}"[:600],
        why="with it, messages could be lost or come twice without a word",
        fix="put it right on the server, or remove it there once it is empty, and start again",
    )


def nanos(seconds: float) -> int:
    """Seconds as JetStream counts them."""
    return round(seconds * NANO)


def _same(name: str, value: Any, found: Mapping[str, Any]) -> bool:
    there = found.get(name, [] if name == "subjects" else 0)
    if name == "subjects":
        return set(value) <= set(there)
    if name in AT_LEAST:
        return bool(there >= value)
    if name == "description":
        return True
    # a limit that is not set is reported as -1 or, by some versions, left out
    return bool(there == value) or (value == -1 and there == 0 and name.startswith("max_"))

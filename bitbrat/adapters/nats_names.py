"""What our streams and consumers are called on a NATS server, and what the subjects of acknowledgements say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, NamedTuple

from bitbrat.errors import ConfigError
from bitbrat.topics import TopicClass, is_topic

CLASSES: Final[tuple[TopicClass, ...]] = ("ingress", "step", "log")

_GROUP = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
_ACK_OF_OLD_SERVERS = 9  # $JS.ACK.<stream>.<consumer>.<deliveries>.<stream seq>.<consumer seq>.<time>.<pending>


class Reader(NamedTuple):
    """A group that reads a topic, and so a durable consumer."""

    topic: str
    group: str


@dataclass(frozen=True)
class Names:
    """The names of one deployment. ``prefix`` stands before each, so that two deployments can share a server."""

    prefix: str = ""

    def stream(self, kind: TopicClass) -> str:
        """The stream that holds every topic of a class."""
        return f"{self.prefix}-bitbrat-{kind}" if self.prefix else f"bitbrat-{kind}"

    @property
    def lock(self) -> str:
        """The stream, and its subject, by which one process at a time changes the others; no topic has such a name."""
        return f"{self.prefix}-bitbrat-lock" if self.prefix else "bitbrat-lock"

    def subject(self, topic: str) -> str:
        """Where the messages of a topic are published."""
        return f"{self.prefix}.{topic}" if self.prefix else topic

    def topic(self, subject: str) -> str | None:
        """The topic of a subject, or None when it is none of ours."""
        start = f"{self.prefix}." if self.prefix else ""
        name = subject[len(start) :]
        return name if subject.startswith(start) and is_topic(name) else None


def consumer_name(reader: Reader) -> str:
    """The durable of a group on a topic; its group can be read off it. Raises ``config.bad``."""
    if not _GROUP.match(reader.group):
        raise ConfigError("config.bad", f"{reader.group!r:.80} cannot be the name of a group: letters, digits, - and _")
    return f"{reader.topic.replace('.', '_')}__{reader.group}"


def group_of(consumer: str, topic: str) -> str | None:
    """The group that a durable belongs to, or None when it does not read ``topic`` for one of ours."""
    start = f"{topic.replace('.', '_')}__"
    return consumer[len(start) :] if consumer.startswith(start) else None


def deliveries_of(ack: str) -> int:
    """How often the message was handed out, from the subject of its acknowledgement."""
    parts = ack.split(".")
    place = 4 if len(parts) == _ACK_OF_OLD_SERVERS else 6  # newer ones put domain and account in front
    return int(parts[place])

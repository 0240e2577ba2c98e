"""What every bus checks about topics and groups, in the same words."""

from __future__ import annotations

from collections.abc import Iterable

from bitbrat.errors import ConfigError, SlipError
from bitbrat.topics import Topic, TopicClass


def same_class(asked: Topic, found: TopicClass) -> None:
    """Raises ``config.breaks_promise`` when the topic that exists is of another class than the one that is asked for."""
    if asked.kind != found:
        raise ConfigError(
            "config.breaks_promise",
            f"topic {asked.name} exists as {found}, this deployment needs it as {asked.kind}",
            why="the class decides what is kept, and for whom",
        )


def one_group(topic: str, kind: TopicClass, groups: Iterable[str], group: str) -> None:
    """Raises ``config.two_groups`` when ``group`` would be the second one on a topic that is not a log."""
    others = [other for other in groups if other != group]
    if kind != "log" and others:
        raise ConfigError("config.two_groups", f"topic {topic} belongs to the group {others[0]}; {group} cannot have it too")


def no_topic(topic: str) -> SlipError:
    """The error for a topic that does not exist."""
    return SlipError("slip.unroutable", f"there is no topic {topic} on this bus")

"""Whether the next destination may be used: checked against the deployment's topics right before it is published.

A slip that names a broker's own subject would otherwise reach it. Only the next destination is checked, so that a rolling
deployment dead-letters nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from bitbrat.bus import Bus
from bitbrat.hop.observer import Observer
from bitbrat.outcome import Dispatch
from bitbrat.slip import divert
from bitbrat.topics import DLQ, Topic, TopicClass, is_egress, platform_role


class Routes:
    """The deployment's topics, name to class; refreshed from the bus once before a refusal."""

    def __init__(self, bus: Bus, topics: Iterable[Topic], observer: Observer) -> None:
        self._bus = bus
        self._observer = observer
        self._classes: Mapping[str, TopicClass] = {topic.name: topic.kind for topic in topics}

    async def lawful(self, dispatch: Dispatch, *, now: datetime) -> Dispatch:
        """``dispatch``, or where it goes instead of a destination that is refused."""
        while True:
            code = await self._refusal(dispatch)
            if code is None:
                return dispatch
            if code == "slip.forbidden_destination":
                self._observer.forbidden(dispatch.topic, code, dispatch.envelope.id)
            dispatch = divert(dispatch, code, now=now)

    async def _refusal(self, dispatch: Dispatch) -> str | None:
        if dispatch.topic == DLQ and dispatch.to == "platform":
            return None
        kind = self._classes.get(dispatch.topic)
        if kind is None:
            self._classes = dict(await self._bus.topics())
            kind = self._classes.get(dispatch.topic)
        if kind is None:
            return "slip.unroutable"
        return None if _fits(dispatch, kind) else "slip.forbidden_destination"


def _fits(dispatch: Dispatch, kind: TopicClass) -> bool:
    """Whether the topic is of the class that this turn needs."""
    if dispatch.to == "step":
        return kind == "step" and platform_role(dispatch.topic) is None
    if dispatch.to == "egress":
        return kind == "step" and is_egress(dispatch.topic)
    return dispatch.to == "platform" or kind == "log"

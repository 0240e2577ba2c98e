"""A metric with labels, whose children are kept: looking one up costs more than counting."""

from __future__ import annotations

from typing import Generic, TypeVar

from prometheus_client import Counter, Gauge, Histogram

from bitbrat.telemetry.names import OTHER

M = TypeVar("M", Counter, Gauge, Histogram)

MAX_SERIES = 64
"""Series of one metric. A label value that a user could choose must not be able to fill the memory of a monitoring server."""


class Series(Generic[M]):
    """The children of ``metric`` by their label values. From ``limit`` on, new values are counted as ``other``."""

    def __init__(self, metric: M, *, limit: int = MAX_SERIES) -> None:
        self._metric: M = metric
        self._limit = limit
        self._children: dict[tuple[str, ...], M] = {}

    def __call__(self, *values: str) -> M:
        """The child with these label values, in the order of the metric's labels."""
        child = self._children.get(values)
        return child if child is not None else self._make(values)

    def _make(self, values: tuple[str, ...]) -> M:
        if len(self._children) >= self._limit:
            values = (OTHER,) * len(values)
        child: M = self._metric.labels(*values) if values else self._metric
        self._children[values] = child
        return child

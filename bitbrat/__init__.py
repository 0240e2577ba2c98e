"""BitBrat: events in, a routing slip decides, small steps act, replies go out.

The names that service authors need; each is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bitbrat.context import Context, ServiceContext
    from bitbrat.envelope import Annotation, Envelope, Reply, RoutingStep, Source, User
    from bitbrat.errors import BitBratError, StepFailed, Unavailable
    from bitbrat.outcome import Failed, Handled, Next, Outcome, Reroute, Revise, Skip
    from bitbrat.service import Service
    from bitbrat.step import Refused, Retry

__version__ = "0.1.0"

__all__ = [
    "Annotation",
    "BitBratError",
    "Context",
    "Envelope",
    "Failed",
    "Handled",
    "Next",
    "Outcome",
    "Refused",
    "Reply",
    "Reroute",
    "Retry",
    "Revise",
    "RoutingStep",
    "Service",
    "ServiceContext",
    "Skip",
    "Source",
    "StepFailed",
    "Unavailable",
    "User",
]

_HOME = {
    **dict.fromkeys(("Context", "ServiceContext"), "context"),
    **dict.fromkeys(("Annotation", "Envelope", "Reply", "RoutingStep", "Source", "User"), "envelope"),
    **dict.fromkeys(("BitBratError", "StepFailed", "Unavailable"), "errors"),
    **dict.fromkeys(("Failed", "Handled", "Next", "Outcome", "Reroute", "Revise", "Skip"), "outcome"),
    **dict.fromkeys(("Refused", "Retry"), "step"),
    "Service": "service",
}


def __getattr__(name: str) -> object:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'bitbrat' has no attribute {name!r}")
    return getattr(import_module(f"bitbrat.{home}"), name)

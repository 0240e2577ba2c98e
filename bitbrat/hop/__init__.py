"""One hop, from the receipt of a message to its acknowledgement; see :mod:`bitbrat.hop.frame`."""

from bitbrat.hop.consumer import Consumer
from bitbrat.hop.frame import HopRunner
from bitbrat.hop.observer import Observer, Silent
from bitbrat.hop.relay import Relay
from bitbrat.hop.routes import Routes
from bitbrat.hop.sender import Sender
from bitbrat.hop.shared import Shared

__all__ = ["Consumer", "HopRunner", "Observer", "Relay", "Routes", "Sender", "Shared", "Silent"]

"""What an operator can ask a running platform, and the loopback API ``/api/v1`` that carries the questions.

The command line speaks to an :class:`Operator`: one in its own process, or one behind HTTP. They answer alike.
"""

from bitbrat.api.events import NewEvent
from bitbrat.api.operator import Operator, Page

__all__ = ["NewEvent", "Operator", "Page"]

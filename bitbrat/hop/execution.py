"""How a hop protects its handler from a second run: one class per kind of claim.

none                       no claim: the handler is a pure function of the envelope
recorded leased idempotent claim, handle, commit the decision with its outbox
at_most_once               the same, but the claim is an intent: a call that was cut off is not repeated
transactional              claim, effects, decision and outbox in one transaction
"""

from __future__ import annotations

from collections.abc import Callable

from bitbrat.context import Surroundings
from bitbrat.hop.base import Execution
from bitbrat.hop.claimed import AtMostOnce, Claimed, Stateless
from bitbrat.hop.shared import Shared
from bitbrat.hop.transactional import Transactional
from bitbrat.step import ConsumerSpec, Effects, StepSpec

EXECUTIONS: dict[Effects, Callable[[StepSpec | ConsumerSpec, Shared, Surroundings], Execution]] = {
    "none": Stateless,
    "recorded": Claimed,
    "leased": Claimed,
    "idempotent": Claimed,
    "at_most_once": AtMostOnce,
    "transactional": Transactional,
}

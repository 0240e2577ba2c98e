"""One hop, start to acknowledgement. The frame is the same for every handler; only the claim differs with its effects.

    1 receive    the lease keeper extends the delivery until it is settled
    2 decode     refused: the raw bytes to the dead letters, wait for the bus's word, settle
    3 locate     the current step names another topic: the same, slip.wrong_step
    4 early      notBefore is still ahead: into the outbox until it is due, or put back for at most five seconds
    5 claim      decided before: send what is unsent of it, acknowledge
    6 handle     the handler returns a value, or fails, or is cancelled at its timeout
    7 decide     slip.advance or slip.forward; the decision and its outbox are committed together
    8 publish    and wait for the bus's word
    9 ack        always last

Source: ``docs/concepts/delivery.md``.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from bitbrat.bus import WIRE_ID, Delivery
from bitbrat.codec import decode
from bitbrat.context import Surroundings
from bitbrat.envelope import Envelope
from bitbrat.errors import BitBratError, BusError, StoreError, StoreUnavailable, Unavailable
from bitbrat.hop.base import Busy, Execution
from bitbrat.hop.execution import EXECUTIONS
from bitbrat.hop.raw import take_raw
from bitbrat.hop.sender import envelope_headers
from bitbrat.hop.shared import Shared
from bitbrat.hop.work import StepWork, VisitWork, Work, early_by
from bitbrat.lease import Held
from bitbrat.slip import locate
from bitbrat.step import ConsumerSpec, StepSpec
from bitbrat.store import Outgoing

PUT_BACK = 5.0
"""The longest time, in seconds, that a message is put back for at once."""
DELIVERIES_WITHOUT_STORE = 100
"""The crash guard where the store does not survive a kill: only the bus counts there, and every put-back with it."""


class HopRunner:
    """Runs the hops of one handler on one topic. ``run`` never raises for what a message holds or a handler does."""

    def __init__(self, spec: StepSpec | ConsumerSpec, *, topic: str, group: str, shared: Shared, around: Surroundings) -> None:
        self.topic = topic
        self.group = group
        self.shared = shared
        self.spec = spec
        self._execution: Execution = EXECUTIONS[spec.effects](spec, shared, around)
        self._around = around

    async def run(self, delivery: Delivery) -> float | None:
        """Take ``delivery`` to its end and settle it.

        Returns None, or for how many seconds the consumer should pause because something that everybody needs is down.
        """
        held = self.shared.keeper.hold(delivery)
        try:
            await self._run(held)
        except asyncio.CancelledError:
            await delivery.nak(delay=0.05)
            raise
        except Busy as busy:
            await delivery.nak(delay=min(busy.wait, PUT_BACK))
        except StoreUnavailable as error:
            if error.code != "store.contended":
                return await self._put_back(delivery, error, delay=1.0)
            await delivery.nak(delay=0.05 + self.shared.world.random() / 10)
        except (Unavailable, StoreError, BusError) as error:
            return await self._put_back(delivery, error, delay=1.0)
        except Exception as error:
            await self._put_back(delivery, error, delay=self.spec.retry.delay(min(delivery.deliveries, 10), self.shared.world.random()))
        finally:
            self.shared.keeper.drop(held)
        return None

    async def _put_back(self, delivery: Delivery, error: Exception, *, delay: float) -> float:
        self.shared.observer.trouble(f"{self.group} on {self.topic}", error)
        await delivery.nak(delay=delay)
        return delay

    async def _run(self, held: Held) -> None:
        delivery = held.delivery
        if isinstance(self.spec, ConsumerSpec) and self.spec.raw:
            await take_raw(self.spec, delivery, self.shared, self._around, self.group)
            return
        if delivery.deliveries > DELIVERIES_WITHOUT_STORE and not self.shared.holds_back:
            message = f"handed out {delivery.deliveries} times, and there is no store that counts starts"
            await self.shared.sender.dead_letter(delivery, group=self.group, code="step.crash_loop", message=message)
            return
        try:
            work = self._work(decode(delivery.data))
        except BitBratError as refusal:
            if refusal.code == "slip.forbidden_destination":
                self.shared.observer.forbidden(delivery.topic, refusal.code, "")
            await self.shared.sender.dead_letter(delivery, group=self.group, code=refusal.code, message=refusal.message)
            return
        if not await self._put_back_early(delivery, work):
            await self._execution.execute(work, held)

    def _work(self, envelope: Envelope) -> Work:
        if isinstance(self.spec, StepSpec):
            return StepWork(self.spec, self.group, envelope, locate(envelope, self.topic), self.shared.registry)
        return VisitWork(self.spec, self.group, envelope)

    async def _put_back_early(self, delivery: Delivery, work: Work) -> bool:
        """A retry that came before its time waits; that is no attempt."""
        now = self.shared.world.now()
        wait = early_by(work.envelope, work.index, now)
        if wait <= timedelta(0):
            return False
        if wait.total_seconds() <= PUT_BACK or not self.shared.holds_back:
            await delivery.nak(delay=min(wait.total_seconds(), PUT_BACK))
        else:
            await self._hold_back(delivery, work, now + wait)
        return True

    async def _hold_back(self, delivery: Delivery, work: Work, until: datetime) -> None:
        identity = _later(f"{work.hop.id}:{work.hop.attempt}", delivery.headers.get(WIRE_ID, ""))
        headers = envelope_headers(work.envelope, identity)
        await self.shared.store.enqueue([Outgoing(identity, delivery.topic, delivery.data, headers, until, work.hop)])
        self.shared.relay.wake()
        await delivery.ack()


def _later(attempt: str, wire_id: str) -> str:
    """The wire id of the copy that is held back of the one that came as ``wire_id``.

    Under an id that it has stored before, the bus would take the copy for a double and drop it: each copy names its successor.
    """
    number = wire_id.removeprefix(f"{attempt}:early")
    return f"{attempt}:early{int(number) + 1 if number.isdecimal() else 1}"

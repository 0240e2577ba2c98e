"""Any history of an envelope: whatever steps say, in whatever order, the law's promises hold."""

from datetime import timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bitbrat import codec, slip
from bitbrat.envelope import Delivered, Envelope, RoutingStep, StepError
from bitbrat.errors import SlipError
from bitbrat.outcome import Dispatch, Failed, Handled, Next, Outcome, Reroute, Revise, Skip
from bitbrat.topics import platform_role
from tests.unit.law import DONE, EGRESS, NOW, event, note

RANK = {"PENDING": 0, "OK": 1, "ERROR": 1, "SKIP": 1}


class Journey(RuleBasedStateMachine):
    """One envelope from ingress to its end: steps answer anything, platform services do their part."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.hops: list[str] = []
        self.runs: dict[str, int] = {}
        self.over = False

    @initialize(
        egress=st.sampled_from([EGRESS, None]),
        completion=st.sampled_from([DONE, None]),
        deadline=st.sampled_from([None, NOW + timedelta(seconds=20)]),
        simulated=st.sampled_from([None, True]),
    )
    def arrives(self, egress: str | None, completion: str | None, deadline: Any, simulated: Any) -> None:
        """Ingress mints the envelope."""
        more = {"deadline": deadline} if deadline else {}
        more |= {"simulated": simulated} if simulated else {}
        start = event("", egress=egress, completion=completion, **more)
        first = slip.forward(start, "ingress", now=self.now)
        assert first is not None
        self.at = first
        self.hops.append(first.wire_id)

    def _role(self) -> str | None:
        envelope = self.at.envelope
        if any(step.status == "PENDING" and step.destination == self.at.topic for step in envelope.routing_slip):
            return None
        return platform_role(self.at.topic)

    def _moves(self, dispatch: Dispatch | None) -> None:
        """The promises that hold between two hops."""
        if dispatch is None:
            self.over = True
            return
        before, after = self.at.envelope, dispatch.envelope
        assert len(after.routing_slip) >= len(before.routing_slip), "the slip is append-only"
        for old, new in zip(before.routing_slip, after.routing_slip, strict=False):
            assert (old.id, old.destination) == (new.id, new.destination), "a step stays where it is"
            assert RANK[old.status] <= RANK[new.status], "a status never goes back"
            assert old.status == "PENDING" or new == old, "what is decided stays as it is"
            assert new.attempt >= old.attempt, "attempts never go back"
        assert after.replies[: len(before.replies)] == before.replies or self._role() == "egress", "what was said stays said"
        assert before.status is None or after.status == before.status, "an envelope that is through stays so"
        assert (after.id, after.correlation_id, after.user, after.source) == (before.id, before.correlation_id, before.user, before.source)
        assert dispatch.wire_id not in self.hops, "every hop, and every attempt at it, has its own id"
        self.hops.append(dispatch.wire_id)
        self.now += timedelta(seconds=1)
        self.at = Dispatch(dispatch.topic, codec.decode(codec.encode(after)), dispatch.wire_id)

    def _step(self, outcome: Outcome, retry_in: float = 1.0) -> None:
        envelope = self.at.envelope
        index = slip.locate(envelope, self.at.topic)
        assert envelope.status is None, "nothing runs after the end"
        hop = slip.step_hop_id(envelope, index)
        self.runs[hop] = self.runs.get(hop, 0) + 1
        dispatch = slip.advance(envelope, outcome, now=self.now, retry_in=retry_in)
        assert len(dispatch.envelope.trail) == len(envelope.trail), "a step leaves no trail"
        self._moves(dispatch)

    def _at_step(self) -> bool:
        return not self.over and self._role() is None

    def _at(self, *roles: str) -> bool:
        return not self.over and self._role() in roles

    def _visit(self, role: Any, envelope: Envelope | None = None, error: StepError | None = None) -> None:
        envelope = envelope or self.at.envelope
        dispatch = slip.forward(envelope, role, now=self.now, error=error)
        if dispatch is not None:
            assert len(dispatch.envelope.trail) == len(envelope.trail) + 1, "a visit leaves one entry"
        self._moves(dispatch)

    @precondition(lambda self: self._at("auth"))
    @rule(error=st.sampled_from([None, None, None, "auth.banned", "store.bad_row"]))
    def auth(self, error: str | None) -> None:
        """Lets the user in, refuses him, or fails."""
        self._visit("auth", error=StepError(code=error) if error else None)

    @precondition(lambda self: self._at("router"))
    @rule(names=st.lists(st.sampled_from("abc"), max_size=5), attempts=st.integers(1, 20))
    def router(self, names: list[str], attempts: int) -> None:
        """Adds steps at the end."""
        new = [RoutingStep(id=name, status="PENDING", destination=f"internal.{name}.v1", max_attempts=attempts) for name in names]
        envelope = self.at.envelope
        self._visit("router", envelope.but(routing_slip=(*envelope.routing_slip, *new)[:32]))

    @precondition(lambda self: self._at("egress"))
    @rule(works=st.booleans())
    def egress(self, works: bool) -> None:
        """Settles every reply."""
        settled = Delivered(at=self.now) if works else Delivered(at=self.now, error=StepError(code="egress.not_sent"))
        envelope = self.at.envelope
        replies = tuple(reply if reply.delivered else reply.but(delivered=settled) for reply in envelope.replies)
        self._visit("egress", envelope.but(replies=replies) if replies else envelope)

    @precondition(lambda self: self._at("finalizer"))
    @rule()
    def finalizer(self) -> None:
        """Ends it, or sends what is left to say."""
        self._visit("finalizer")

    @precondition(lambda self: self._at("dlq"))
    @rule()
    def dead_letters(self) -> None:
        """Keeps it."""
        self._visit("dlq")

    @precondition(lambda self: self._at_step())
    @rule(kind=st.sampled_from([Next, Skip]), says=st.integers(0, 3))
    def next_or_skip(self, kind: Any, says: int) -> None:
        """Goes on, with something to say or without."""
        self._step(kind(replies=["r"] * says, annotations=[note("n")] * says))

    @precondition(lambda self: self._at_step())
    @rule(says=st.booleans())
    def handled(self, says: bool) -> None:
        """Done altogether."""
        self._step(Handled(reply="r" if says else None))
        assert self.over or self.at.envelope.current is None

    @precondition(lambda self: self._at_step())
    @rule(retryable=st.booleans(), retry_in=st.floats(0, 30))
    def failed(self, retryable: bool, retry_in: float) -> None:
        """Fails, with another attempt or without."""
        self._step(Failed("x.y", "m", retryable=retryable, replies=["sorry"]), retry_in)

    @precondition(lambda self: self._at_step())
    @rule(names=st.lists(st.sampled_from("abc"), max_size=9))
    def revise(self, names: list[str]) -> None:
        """Wants more steps."""
        self._step(Revise(*names))

    @precondition(lambda self: self._at_step())
    @rule()
    def reroute(self) -> None:
        """Wants a new slip."""
        self._step(Reroute("r"))

    @precondition(lambda self: hasattr(self, "at") and not self._at_step())
    @rule()
    def strays(self) -> None:
        """A message that no step should have got is refused, whatever topic it comes on."""
        envelope = self.at.envelope
        if envelope.current is None:
            try:
                slip.advance(envelope, Next(), now=self.now, retry_in=0)
            except SlipError as refused:
                code = refused.code
            assert code == "slip.inconsistent"

    @invariant()
    def attempts_are_bounded(self) -> None:
        """No step runs more often than it may."""
        for hop, runs in self.runs.items():
            assert runs <= slip.attempts_allowed(self.at.envelope.routing_slip[int(hop.rsplit(":", 1)[1])])

    @invariant()
    def journeys_end(self) -> None:
        """Reroutes, steps, attempts and visits are all bounded, so every history is."""
        if hasattr(self, "at"):
            assert slip.reroutes(self.at.envelope) <= slip.MAX_REROUTES
            assert len(self.at.envelope.routing_slip) <= 32
            assert len(self.at.envelope.trail) <= 16

    @invariant()
    def the_end_leaves_nothing_open(self) -> None:
        """Where completion is reached, no step is PENDING and every reply that could be sent was."""
        if self.over and self.at.topic == DONE:
            assert self.at.envelope.current is None


TestJourney = Journey.TestCase
TestJourney.settings = settings(max_examples=200, stateful_step_count=60, deadline=None)

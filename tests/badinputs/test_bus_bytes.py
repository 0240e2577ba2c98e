"""Rows 1 to 37, as far as the codec and the law decide them: the same code for the same bytes, and never anything else."""

import pytest

from bitbrat import slip
from bitbrat.catalogue import CATALOGUE
from bitbrat.codec import decode
from bitbrat.errors import BitBratError
from bitbrat.outcome import Next, Reroute
from tests.badinputs.corpus import BadInput, load_corpus
from tests.unit.law import NOW, event


def verdict(data: bytes, topic: str) -> BitBratError | None:
    """What a step that listens on ``topic`` ("" for any) says to ``data``; None: it would run."""
    try:
        envelope = decode(data)
        if topic:
            slip.locate(envelope, topic)
    except BitBratError as error:
        return error
    return None


@pytest.mark.parametrize("entry", load_corpus(), ids=lambda entry: entry.id)
def test_bus_bytes(entry: BadInput) -> None:
    """Refused with the row's code, which the catalogue explains, or accepted; the sentence says what it must."""
    errors = [verdict(data, entry.on) for data in entry.inputs]

    assert {error.code if error else "" for error in errors} == {entry.code}
    for error in errors:
        assert error is None or (error.code in CATALOGUE and entry.says in error.message and len(error.message) < 400)


def test_rows_are_all_there() -> None:
    """Every row that codec and law decide has an entry."""
    assert {entry.row for entry in load_corpus()} == {*range(1, 24), 25, 26, 29, 37}


def test_a_refusal_names_the_field() -> None:
    """The sentence of a refused field says where it stands."""
    fields = {19: "id", 20: "timestamp", 21: "routingSlip", 22: "routingSlip.", 23: "estination", 14: "id"}

    for entry in load_corpus():
        error = verdict(entry.inputs[0], entry.on)
        if error is not None:
            assert fields.get(entry.row, "") in error.message, (entry.id, error.message)


def test_27_the_eleventh_reroute() -> None:
    """Counted from the slip: the step fails with ``slip.too_many_reroutes`` and the envelope completes."""
    marks = {i: {"attributes": {"reroute": "r"}} for i in range(10)}

    dispatch = slip.advance(event(" ".join(["OK"] * 10 + ["PENDING"]), marks), Reroute("r"), now=NOW, retry_in=0)

    error = dispatch.envelope.routing_slip[10].error
    assert error is not None
    assert (error.code, dispatch.topic) == ("slip.too_many_reroutes", "internal.complete.v1")


def test_28_no_completion_destination() -> None:
    """The end of such a slip is the dead letters, under ``slip.no_completion``."""
    dispatch = slip.advance(event(completion=None), Next(), now=NOW, retry_in=0)

    assert (dispatch.topic, dispatch.reason) == ("internal.dlq.v1", "slip.no_completion")

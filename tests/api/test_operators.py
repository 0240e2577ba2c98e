"""An operator gets the same answers in the platform's own process and over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bitbrat.api import NewEvent, Operator
from bitbrat.api.client import HttpOperator
from bitbrat.api.local import PlatformOperator
from bitbrat.errors import BitBratError
from tests.api.served import Mood, asked, listening, running

SECONDS = 20.0


@pytest.fixture
def mood() -> Mood:
    """Bad, to begin with."""
    return Mood()


@pytest.fixture(params=["own", "http"])
async def operator(request: pytest.FixtureRequest, tmp_path: Path, mood: Mood) -> AsyncIterator[Operator]:
    """Both ways of asking."""
    async with running(tmp_path, mood) as platform:
        if request.param == "own":
            yield PlatformOperator(platform.runtime, by="test")
            return
        async with listening(platform) as server, asked(server) as found:
            yield found


async def test_a_simulated_message_is_answered_and_says_so(operator: Operator) -> None:
    """It takes the real way, marked, and its row says rule, reply and outcome."""
    identity = await operator.send(NewEvent.said("!ping", user="Ann", role="moderator"))

    row = await operator.ended(identity, seconds=SECONDS)

    assert row is not None
    assert (row["outcome"], row["rule"]["rule"], row["replies"][0]["text"]) == ("completed", "ping", "pong")
    assert (row["simulated"], row["user"]["name"], row["user"]["role"]) == (True, "ann", "moderator")


async def test_the_story_holds_the_final_slip(operator: Operator) -> None:
    """By its id, by the beginning of it, and as the last one."""
    identity = await operator.send(NewEvent.said("!boom"))
    await operator.ended(identity, seconds=SECONDS)

    stories = [await operator.message(name) for name in (identity, identity[:8], "last")]

    assert [story["id"] for story in stories] == [identity] * 3
    assert [step["status"] for step in stories[0]["routingSlip"]] == ["ERROR"]
    assert stories[0]["routingSlip"][0]["error"]["code"] == "step.crashed"


async def test_a_failure_is_grouped_shown_and_replayed_once(operator: Operator, mood: Mood) -> None:
    """A second replay of the same failure is refused; one that ends well closes the original."""
    identity = await operator.send(NewEvent.said("!boom"))
    await operator.ended(identity, seconds=SECONDS)
    (group,) = await operator.groups()
    page = await operator.failures(group=group["fingerprint"])
    shown = await operator.failure(identity)
    mood.good = True

    replayed = await operator.replay(identity, reason="mended")
    with pytest.raises(BitBratError) as again:
        await operator.replay(identity)
    ended = await operator.ended(replayed["id"], seconds=SECONDS)

    assert (group["count"], [row["id"] for row in page.rows]) == (1, [identity])
    assert shown["envelope"]["payload"]["text"] == "!boom"
    assert again.value.code == "dlq.not_open"
    assert ended is not None
    assert (ended["outcome"], ended["replayOf"]) == ("handled", identity)


async def test_a_discarded_failure_leaves_the_list_and_stays_on_record(operator: Operator) -> None:
    """It can still be looked at, not discarded again."""
    identity = await operator.send(NewEvent.said("!boom"))
    await operator.ended(identity, seconds=SECONDS)

    gone = await operator.discard("last")
    with pytest.raises(BitBratError) as again:
        await operator.discard(identity)

    assert (gone["id"], gone["state"]) == (identity, "discarded")
    assert again.value.code == "dlq.not_open"
    assert (await operator.failures()).rows == []
    assert (await operator.failures(states=["discarded"])).rows[0]["id"] == identity


async def test_pages_of_messages_meet_without_a_gap(operator: Operator) -> None:
    """Each page begins behind the last row of the one before."""
    for number in range(5):
        await operator.ended(await operator.send(NewEvent.said(f"!ping {number}")), seconds=SECONDS)

    first = await operator.messages(limit=3)
    second = await operator.messages(after=first.cursor, limit=3)
    third = await operator.messages(after=second.cursor, limit=3)

    assert [row["text"] for row in (*first.rows, *second.rows)] == [f"!ping {number}" for number in range(5)]
    assert (third.rows, third.cursor) == ([], second.cursor)


async def test_rules_are_listed_tested_and_explained(operator: Operator) -> None:
    """With the place of each, the example that fails, and why the others do not match."""
    await operator.ended(await operator.send(NewEvent.said("hi")), seconds=SECONDS)

    listed, tested, explained = await operator.rules(), await operator.rule_tests(), await operator.explain_rules(NewEvent.said("!ping"))

    assert [rule["id"] for rule in listed["rules"]] == ["boom", "ping"]
    assert [one["passed"] for one in tested["tests"]] == [True, False]
    assert (explained["match"], explained["rules"][0]["line"]) == ("ping", 'NO MATCH command=="!boom" ✗')


@pytest.mark.parametrize(
    ("ask", "code"),
    [
        (lambda operator: operator.message("no-such-id"), "cli.not_found"),
        (lambda operator: operator.message("last"), "cli.not_found"),
        (lambda operator: operator.failure("no/such?id#%"), "dlq.not_found"),
        (lambda operator: operator.replay("no-such-id"), "dlq.not_found"),
        (lambda operator: operator.discard("no-such-id"), "dlq.not_found"),
        (lambda operator: operator.messages(after="yesterday"), "http.bad_request"),
    ],
    ids=["message", "last", "failure", "replay", "discard", "cursor"],
)
async def test_what_is_not_there_has_a_code(operator: Operator, ask: object, code: str) -> None:
    """The same code either way."""
    with pytest.raises(BitBratError) as refused:
        await ask(operator)  # type: ignore[operator]

    assert refused.value.code == code


async def test_a_message_that_does_not_end_in_time_is_none(operator: Operator) -> None:
    """Whoever waits may wait again."""
    assert await operator.ended("nobody-knows-it", seconds=0.05) is None


async def test_the_status_names_services_and_steps(operator: Operator) -> None:
    """What runs, on what, and that nothing is wrong."""
    status = await operator.status()

    assert {"router", "moody"} <= set(status["services"])
    assert (status["trouble"], status["bus"]["name"], status["store"]["healthy"]) == (None, "memory", True)


async def test_nobody_there_is_its_own_error() -> None:
    """Not a refusal, not an empty list."""
    operator = HttpOperator("http://127.0.0.1:9", "token")
    try:
        with pytest.raises(BitBratError) as refused:
            await operator.status()
    finally:
        await operator.close()

    assert refused.value.code == "cli.cannot_connect"

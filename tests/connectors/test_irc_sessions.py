"""The recorded scripts against the real client over a socket; and with one behaviour taken out, the script that needs it fails."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from bitbrat.connectors.twitch.irc_effects import Effect, Ended
from bitbrat.connectors.twitch.irc_line import IrcLine
from bitbrat.connectors.twitch.irc_session import IrcSession, Rule
from tests.components import corpus, require
from tests.connectors.bench import Heard, make_client, running
from tests.connectors.session_runner import Played, ScriptedServer, Step
from tests.connectors.virtual import virtual

Session = dict[str, Any]
SESSIONS: list[Session] = json.loads((require("corpus", corpus()) / "twitch" / "irc_sessions.json").read_text())["sessions"]
ACTIONS = {
    "refresh token then reconnect; if refresh fails stop": "needs_signin",
    "as bad token": "needs_signin",
    "configuration error, no retry": "config_error",
    "log, go on without": "online",
}
AFTERWARDS = 60.0
"""Seconds in which a client that does too much has time to do it."""


@dataclass
class Outcome:
    """What a run showed: on the server's side, and what the client says."""

    played: Played
    messages: list[str | None]
    joined: set[str]
    join_failed: set[str]
    states: list[str]
    is_mod: bool


async def perform(script: Session, transport: str = "tcp", **client: Any) -> Outcome:
    """Play the script to a real client and gather what can be seen."""
    scripted, heard = ScriptedServer(script["steps"]), Heard()
    await scripted.server.start()
    url = scripted.server.url if transport == "tcp" else scripted.server.ws_url
    async with running(make_client(url, heard, channels=wanted(script["steps"]), **client)) as real:
        await scripted.over(within=600)
        await asyncio.sleep(AFTERWARDS)
        outcome = Outcome(
            played=scripted.played,
            messages=heard.texts,
            joined=set(real.status.joined),
            join_failed=set(real.status.join_failed),
            states=heard.went_through,
            is_mod=any("moderator" in real.roles(channel) for channel in real.status.joined),
        )
    await scripted.server.stop()
    return outcome


def wanted(steps: Iterable[Step]) -> tuple[str, ...]:
    """The channels that the script expects to be joined."""
    return tuple(step["expect"].removeprefix("JOIN #") for step in steps if step.get("expect", "").startswith("JOIN ")) or ("chan",)


def faults(session: Session, seen: Outcome) -> list[str]:
    """What is not as the script's ``expect`` says."""
    want, played = session["expect"], seen.played
    checks = {
        "messages": lambda value: seen.messages == value,
        "joined": lambda value: seen.joined == set(value),
        "self_is_mod": lambda value: seen.is_mod is value,
        "rejoin": lambda value: {line.partition("#")[2] for line in played.said("JOIN", 1)} == set(value),
        "join_failed": lambda value: seen.join_failed == set(value),
        "retry_join": lambda value: value or len(played.said("JOIN")) == len(wanted(session["steps"])),
        "max_attempts_with_same_token": lambda value: most_of_one(played.said("PASS")) <= value,
        "action": lambda value: seen.states[-1] == ACTIONS[value] and len(played.connections) == 1,
    }
    wrong = [f"{name}: wanted {value!r}, seen {seen}" for name, value in want.items() if not checks[name](value)]
    left_open = len(played.connections) > 1 and played.connections[0].open
    return [*played.unmet, *wrong, *(["the old connection was not closed"] if left_open else [])]


def most_of_one(lines: list[str]) -> int:
    """How often the most frequent line stands there."""
    return max((lines.count(line) for line in lines), default=0)


def carried(session: Session, transport: str) -> bool:
    """Whether the transport can carry the script: a WebSocket text message holds whole characters."""
    return transport == "tcp" or not any("send_hex_chunks" in step for step in session["steps"])


PLAYED = [(session, transport) for transport in ("tcp", "ws") for session in SESSIONS if carried(session, transport)]


@pytest.mark.parametrize(
    ("session", "transport"), PLAYED, ids=[f"{transport}-{session['name'][:40].replace(' ', '_')}" for session, transport in PLAYED]
)
@virtual
async def test_the_client_keeps_to_the_script(session: Session, transport: str) -> None:
    """Every script of the corpus, over each kind of socket that can carry it."""
    assert faults(session, await perform(session, transport)) == []


class NoPong(IrcSession):
    """Does not answer PING."""

    RULES: ClassVar[Mapping[str, Rule]] = {name: rule for name, rule in IrcSession.RULES.items() if name != "PING"}


def _drop(_session: IrcSession, _line: IrcLine, _now: float) -> Iterable[Effect]:
    return (Ended("irc.disconnected", "RECONNECT"),)


class NoOverlap(IrcSession):
    """Leaves at once when the server asks for a reconnect."""

    RULES: ClassVar[Mapping[str, Rule]] = {**IrcSession.RULES, "RECONNECT": _drop}


class NoOwnPing(IrcSession):
    """Never asks whether the server is still there."""

    def _alive(self, now: float) -> Iterable[Effect]:
        return ()

    def due(self, now: float) -> float:
        """Looks at the clock every five seconds, so that the rest goes on."""
        return 5.0


class NoJoinWait(IrcSession):
    """Does not notice that a JOIN got no answer."""

    def _give_up(self, now: float) -> Iterable[Effect]:
        list(super()._give_up(now))
        return ()


class NoRefusal(IrcSession):
    """Takes a refused login for any lost connection."""

    RULES: ClassVar[Mapping[str, Rule]] = {name: rule for name, rule in IrcSession.RULES.items() if name != "NOTICE"}


@pytest.mark.parametrize(
    ("without", "sign"),
    [
        pytest.param(NoPong, '"expect": "PONG', id="answering PING"),
        pytest.param(NoOverlap, " RECONNECT", id="overlap"),
        pytest.param(NoOwnPing, '"expect": "PING"', id="asking PING"),
        pytest.param(NoJoinWait, '"silence_s": 15', id="waiting for a JOIN"),
        pytest.param(NoRefusal, "NOTICE * :", id="knowing a refused login"),
    ],
)
@virtual
async def test_without_the_behaviour_the_scripts_that_need_it_fail(without: type[IrcSession], sign: str) -> None:
    """So the scripts test the client, and not the runner."""
    needing = [script for script in SESSIONS if sign in json.dumps(script["steps"])]

    assert needing
    for script in needing:
        assert faults(script, await perform(script, session=without)) != []

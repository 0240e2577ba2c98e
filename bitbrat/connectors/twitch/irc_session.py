"""The rules of one IRC connection to Twitch, without the connection.

Feed :class:`IrcSession` the lines that came and the time; it answers with what to write and what happened. It reads no socket, no clock
and sleeps nowhere, so every rule can be shown with plain values. One table, ``RULES``, says which command means what; a command that is
not in it is delivered as it is.

    login ──001──▶ online ──▶ …        a refusal, a silence or RECONNECT come out as effects; the client decides about connections
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import ClassVar

from pydantic import SecretStr

from bitbrat.connectors.twitch.irc_config import IrcLimits, IrcTimings
from bitbrat.connectors.twitch.irc_effects import (
    Acknowledged,
    Deliver,
    Effect,
    Ended,
    HandOver,
    Joined,
    JoinFailed,
    LoginRefused,
    Note,
    Online,
    Refused,
    Write,
)
from bitbrat.connectors.twitch.irc_line import IrcLine
from bitbrat.connectors.twitch.rate import SlidingWindow

_REFUSALS = {  # the server's sentence before the welcome → whether only other settings can help
    "login authentication failed": False,
    "login unsuccessful": False,
    "improperly formatted auth": True,
    "invalid nick": True,
}
_NO_ENTRY = frozenset({"msg_banned", "msg_channel_suspended", "msg_channel_blocked", "tos_ban"})
_NO = frozenset({"no_permission", "unrecognized_cmd", "invalid_user", "tos_ban"})  # and whatever begins with msg_
_PRIVILEGED = {"broadcaster": "broadcaster", "moderator": "moderator", "lead_moderator": "moderator", "vip": "vip"}
Rule = Callable[["IrcSession", IrcLine, float], Iterable[Effect]]


class IrcSession:
    """One connection from the first line to the last. Times are seconds on the caller's clock.

    ``joins`` is the account's window for JOINs, shared by all its connections. ``channels`` are bare lower-case names.
    """

    def __init__(
        self,
        *,
        nick: str,
        token: SecretStr | None,
        channels: Iterable[str],
        joins: SlidingWindow,
        timings: IrcTimings | None = None,
        limits: IrcLimits | None = None,
    ) -> None:
        self.nick = nick
        self.online = False
        self.joined: set[str] = set()
        self.roles: dict[str, frozenset[str]] = {}
        self.rooms: dict[str, dict[str, str]] = {}
        self._token = token
        self._timings = timings or IrcTimings()
        self._waiting = deque(channels)
        self._asked: dict[str, float] = {}
        self._unanswered: set[str] = set()
        self._joins = joins
        self._pongs = SlidingWindow(*(limits or IrcLimits()).pongs)
        self._login_due = self._ping_due = self._pong_due = self._heard = float("inf")

    def start(self, now: float) -> list[Effect]:
        """The first lines: the capabilities before the name, so that the first message has its tags already."""
        self._login_due = now + self._timings.login_wait
        lines: list[Effect] = [Write("CAP REQ :twitch.tv/tags twitch.tv/commands")]
        if self._token:
            lines.append(Write(f"PASS oauth:{self._token.get_secret_value()}"))
        return [*lines, Write(f"NICK {self.nick}")]

    def receive(self, line: IrcLine, now: float) -> Iterable[Effect]:
        """What a line from the server leads to."""
        self._heard = now
        rule = self.RULES.get(line.command)
        if rule:
            return rule(self, line, now)
        return () if line.command.isdecimal() else (Deliver(line),)

    def tick(self, now: float) -> list[Effect]:
        """What the time alone leads to: joins that may go now, answers that did not come, our own PING."""
        if not self.online:
            return [Ended("irc.disconnected", "the server did not welcome us in time")] if now >= self._login_due else []
        return [*self._join_next(now), *self._give_up(now), *self._alive(now)]

    def due(self, now: float) -> float:
        """Seconds until :meth:`tick` has something to do."""
        if not self.online:
            return max(0.0, self._login_due - now)
        times = [self._pong_due, self._next_ping(), *self._asked.values()]
        joins = now + self._joins.wait(now) if self._waiting else float("inf")
        return max(0.0, min(joins, *times) - now)

    def not_reading(self, now: float) -> None:
        """Tell that nothing was read until now, because the consumer was slow: a PONG that is still unread is not missing."""
        if self._pong_due < float("inf"):
            self._pong_due = now + self._timings.pong_wait
        self._heard = now

    @property
    def settled(self) -> bool:
        """Whether every channel has been joined or given up."""
        return self.online and not self._waiting and not self._asked

    def privileged(self, channel: str) -> bool:
        """Whether we are moderator, VIP or broadcaster there, by the last word of the server."""
        return bool(self.roles.get(channel))

    # the time

    def _join_next(self, now: float) -> Iterable[Effect]:
        while self._waiting and self._joins.wait(now) <= 0:
            self._joins.take(now)
            channel = self._waiting.popleft()
            self._asked[channel] = now + self._timings.join_wait
            yield Write(f"JOIN #{channel}")

    def _give_up(self, now: float) -> Iterable[Effect]:
        for channel in [name for name, due in self._asked.items() if now >= due]:
            del self._asked[channel]
            self._unanswered.add(channel)
            yield JoinFailed(channel, "no answer: renamed, or there is no such channel", final=False)

    def _alive(self, now: float) -> Iterable[Effect]:
        if now >= self._pong_due:
            yield Ended("irc.disconnected", f"no answer to our PING within {self._timings.pong_wait:g} s")
        elif self._pong_due == float("inf") and now >= self._next_ping():
            self._pong_due = now + self._timings.pong_wait
            self._ping_due = now + self._timings.ping_every
            yield Write("PING :bitbrat")

    def _next_ping(self) -> float:
        if self._pong_due < float("inf"):
            return float("inf")
        return min(self._ping_due, self._heard + self._timings.quiet_after)

    # the lines

    def _on_ping(self, line: IrcLine, now: float) -> Iterable[Effect]:
        if self._pongs.wait(now) > 0:
            return (Note("irc.ping_flood"),)
        self._pongs.take(now)
        return (Write(f"PONG :{line.params[-1]}" if line.params else "PONG"),)

    def _on_pong(self, _line: IrcLine, _now: float) -> Iterable[Effect]:
        self._pong_due = float("inf")
        return ()

    def _on_welcome(self, _line: IrcLine, now: float) -> Iterable[Effect]:
        if self.online:
            return ()
        self.online = True
        self._ping_due = now + self._timings.ping_every
        return (Online(), *self.tick(now))

    def _on_cap(self, line: IrcLine, _now: float) -> Iterable[Effect]:
        return (Note("irc.cap_refused", line.params[-1]),) if "NAK" in line.params else ()

    def _on_reconnect(self, _line: IrcLine, _now: float) -> Iterable[Effect]:
        return (HandOver(),)

    def _on_join(self, line: IrcLine, _now: float) -> Iterable[Effect]:
        channel = line.channel
        if self._is_answer(channel) and line.nick:
            self.nick = line.nick.lower()  # the token's account counts, whatever NICK said
        return self._answered(channel)

    def _on_part(self, line: IrcLine, _now: float) -> Iterable[Effect]:
        if line.nick.lower() != self.nick or line.channel not in self.joined:
            return ()
        self.joined.discard(line.channel)
        return (JoinFailed(line.channel, "the server took us out of the channel", final=False),)

    def _on_roomstate(self, line: IrcLine, _now: float) -> Iterable[Effect]:
        self.rooms.setdefault(line.channel, {}).update(line.tags)
        return self._answered(line.channel)

    def _on_userstate(self, line: IrcLine, _now: float) -> Iterable[Effect]:
        self.roles[line.channel] = _roles(line)
        return (*self._answered(line.channel), Acknowledged(line.channel, line.tag("client-nonce")))

    def _on_notice(self, line: IrcLine, _now: float) -> Iterable[Effect]:
        if not self.online:
            return _refusal(line.text or "")
        msg_id, channel = line.tag("msg-id"), line.channel
        if msg_id in _NO_ENTRY and self._is_answer(channel):
            self._asked.pop(channel, None)
            self._unanswered.discard(channel)
            return (JoinFailed(channel, f"{msg_id}: {line.text or ''}", final=True),)
        if msg_id in _NO or msg_id.startswith("msg_"):
            return (Refused(channel, msg_id, line.text or ""), Deliver(line))
        return (Deliver(line),)

    def _ignore(self, _line: IrcLine, _now: float) -> Iterable[Effect]:
        return ()

    def _is_answer(self, channel: str) -> bool:
        return channel in self._asked or channel in self._unanswered

    def _answered(self, channel: str) -> Iterable[Effect]:
        if not self._is_answer(channel):
            return ()
        self._asked.pop(channel, None)
        self._unanswered.discard(channel)
        self.joined.add(channel)
        return (Joined(channel),)

    RULES: ClassVar[Mapping[str, Rule]] = {
        "PING": _on_ping,
        "PONG": _on_pong,
        "001": _on_welcome,
        "CAP": _on_cap,
        "RECONNECT": _on_reconnect,
        "JOIN": _on_join,
        "PART": _on_part,
        "ROOMSTATE": _on_roomstate,
        "USERSTATE": _on_userstate,
        "GLOBALUSERSTATE": _ignore,
        "NOTICE": _on_notice,
    }


def _refusal(text: str) -> Iterable[Effect]:
    for sentence, permanent in _REFUSALS.items():
        if text.strip().lower().startswith(sentence):
            return (LoginRefused(text.strip(), permanent),)
    return (Note("irc.notice", text),)


def _roles(line: IrcLine) -> frozenset[str]:
    badges = (badge.partition("/")[0] for badge in line.tag("badges").split(","))
    roles = {_PRIVILEGED[badge] for badge in badges if badge in _PRIVILEGED}
    if line.tag("mod") == "1" or line.tag("user-type") == "mod":
        roles.add("moderator")
    return frozenset(roles)

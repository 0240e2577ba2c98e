"""What the IRC client is told, and what it says about itself: settings, status, the result of a send."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Literal
from urllib.parse import urlsplit

from pydantic import SecretStr

from bitbrat.connectors.twitch.rate import SendLimits
from bitbrat.errors import ConfigError

State = Literal["stopped", "connecting", "online", "reconnecting", "needs_signin", "config_error"]
SCHEMES = ("irc", "tcp", "ircs", "tls", "ws", "wss")
_CHANNEL = re.compile(r"[^\s,:#\x00-\x1f][^\s,\x00-\x1f]*")
_WORD = re.compile(r"[^\s\x00-\x1f]+")


@dataclass(frozen=True, slots=True)
class IrcTimings:
    """Every time the client lives by, seconds. Tests make them small; nobody else should need to."""

    connect_wait: float = 10.0
    login_wait: float = 10.0
    """From our first line to the server's welcome."""
    join_wait: float = 10.0
    """A channel that does not exist gives no answer at all, so this is the only way to know."""
    ping_every: float = 30.0
    quiet_after: float = 20.0
    """We also ask after this long without a line: a link that died silently is found out within 25 s."""
    pong_wait: float = 5.0
    overlap: float = 2.0
    """How long the old connection is still read after the new one has joined everything."""
    ack_wait: float = 2.0
    """How long a send waits for Twitch's word about it. Neither yes nor no is guaranteed to come."""
    backoff_base: float = 1.0
    backoff_cap: float = 60.0
    stable_after: float = 30.0
    """A connection that lived shorter than this does not start the back-off afresh."""
    drain_wait: float = 3.0
    """How long ``stop`` waits for lines that were read already."""


@dataclass(frozen=True, slots=True)
class IrcLimits:
    """Counts in windows: (how many, in how many seconds), below what Twitch allows (20 in 10 s)."""

    joins: tuple[int, float] = (20, 11.0)
    logins: tuple[int, float] = (20, 11.0)
    pongs: tuple[int, float] = (50, 10.0)
    """A server that asks more often than this is not answered each time."""
    sends: SendLimits = field(default_factory=SendLimits)
    buffer_lines: int = 1000
    """Lines read ahead of the consumer. When they are used up we stop reading, and the server has to wait."""


@dataclass(frozen=True)
class IrcConfig:
    """One connection: where, as whom, which channels. Without a token it is anonymous and can only read.

    ``url`` is ``irc://`` or ``tcp://`` (plain), ``ircs://`` or ``tls://``, ``ws://``, ``wss://``. ``token`` may carry ``oauth:`` or not;
    it is in no repr. Channels may be written with ``#`` and in any case. With ``ignore_own_account`` everything that our account says is
    ignored, whoever typed it; without it only the echo of what this client sent. Raises ConfigError ``config.bad``.
    """

    url: str
    nick: str = ""
    token: SecretStr | str | None = field(default=None, repr=False)
    channels: Sequence[str] = ()
    timings: IrcTimings = field(default_factory=IrcTimings)
    limits: IrcLimits = field(default_factory=IrcLimits)
    ignore_own_account: bool = True

    def __post_init__(self) -> None:
        if not _usable_url(self.url):
            raise ConfigError("config.bad", f"the IRC url must be {', '.join(f'{name}://' for name in SCHEMES)} and name a host")
        object.__setattr__(self, "token", clean_token(self.token))
        object.__setattr__(self, "nick", self.nick.strip().lower())
        object.__setattr__(self, "channels", tuple(dict.fromkeys(channel_name(name) for name in self.channels)))
        if self.token and not _WORD.fullmatch(self.nick):
            raise ConfigError("config.bad", "an IRC login with a token needs the account's name (nick), without spaces")


def _usable_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:  # the port is no number, or a bracket is not closed
        return False


def clean_token(token: SecretStr | str | None) -> SecretStr | None:
    """The token without ``oauth:``, in a wrapper that does not print itself; None when it is empty. Raises ConfigError."""
    raw = token.get_secret_value() if isinstance(token, SecretStr) else token or ""
    bare = raw.strip().removeprefix("oauth:")
    if bare and not _WORD.fullmatch(bare):
        raise ConfigError("config.bad", "the IRC token has a space or a line break in it")
    return SecretStr(bare) if bare else None


def channel_name(name: str) -> str:
    """``#Chan`` as ``chan``. Raises ConfigError when it cannot be a channel's name: it would end up on the wire."""
    bare = name.strip().lower().removeprefix("#")
    if not _CHANNEL.fullmatch(bare):
        raise ConfigError("config.bad", f"{name[:40]!r} is not the name of a channel")
    return bare


@dataclass(frozen=True)
class IrcStatus:
    """How the connection is: the state, since when, and why; what is joined, and what could not be, with the reason."""

    state: State
    since: datetime
    cause: str = ""
    code: str = ""
    joined: frozenset[str] = frozenset()
    join_failed: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class SendResult:
    """What became of a message that was written.

    ``sent`` is False when Twitch said no: then ``code`` is ``egress.refused``, ``notice`` Twitch's own word for it
    (``msg_ratelimit``, ``msg_banned``, …) and ``message`` its sentence. ``acknowledged`` says that a yes came; none came in time is
    common and no sign of trouble. ``written`` of ``parts`` messages went out.
    """

    sent: bool
    parts: int
    written: int
    acknowledged: bool = False
    code: str = ""
    notice: str = ""
    message: str = ""

"""What the rules of a connection ask for, and what they report: values, made by the session, carried out by the client."""

from __future__ import annotations

from dataclasses import dataclass, field

from bitbrat.connectors.twitch.irc_line import IrcLine


@dataclass(frozen=True, slots=True)
class Write:
    """Write this line. It is in no repr, for it may be the password."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Deliver:
    """A line for the consumer."""

    line: IrcLine


@dataclass(frozen=True, slots=True)
class Online:
    """The server has welcomed us."""


@dataclass(frozen=True, slots=True)
class Joined:
    """We are in the channel."""

    channel: str


@dataclass(frozen=True, slots=True)
class JoinFailed:
    """We are not in the channel, and why. ``final``: another try would end the same way."""

    channel: str
    reason: str
    final: bool


@dataclass(frozen=True, slots=True)
class HandOver:
    """The server will close this connection soon; a new one is wanted before that."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The server took a message to this channel; the nonce is the message's, or empty."""

    channel: str
    nonce: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The server said no to something in this channel: Twitch's id for the reason, and its sentence."""

    channel: str
    msg_id: str
    text: str


@dataclass(frozen=True, slots=True)
class LoginRefused:
    """The login failed. ``permanent``: with these settings it always will; otherwise another token may help."""

    text: str
    permanent: bool


@dataclass(frozen=True, slots=True)
class Ended:
    """The connection is over, or has to be: an error code and the cause in words."""

    code: str
    cause: str


@dataclass(frozen=True, slots=True)
class Note:
    """Something to log and count, nothing to do."""

    event: str
    text: str = ""


Effect = Write | Deliver | Online | Joined | JoinFailed | HandOver | Acknowledged | Refused | LoginRefused | Ended | Note
End = Ended | LoginRefused

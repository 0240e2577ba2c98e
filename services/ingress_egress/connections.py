"""What this process is connected to: the clients that read events and send replies, by their configured names."""

from __future__ import annotations

from dataclasses import dataclass, field

from bitbrat.connectors.twitch.irc_client import IrcClient
from bitbrat.connectors.twitch.irc_config import IrcStatus


@dataclass
class Connections:
    """The connections of this process. A name is there from the moment its client exists, connected or not."""

    irc: dict[str, IrcClient] = field(default_factory=dict)

    @property
    def health(self) -> dict[str, str]:
        """Each connection's state, and why, for people: ``online``, ``needs_signin: …``. It decides nothing: whoever needs a
        person to sign in again is no reason to stop the rest.
        """
        return {name: told(client.status) for name, client in self.irc.items()}


def told(status: IrcStatus) -> str:
    """A connection's state in a line."""
    state = f"{status.state}: {status.cause}" if status.cause else status.state
    missing = ", ".join(f"#{channel} ({reason})" for channel, reason in sorted(status.join_failed.items()))
    return f"{state}; not joined: {missing}" if missing else state

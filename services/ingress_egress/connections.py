"""What this process is connected to: the clients that read events and send replies, by their configured names."""

from __future__ import annotations

from dataclasses import dataclass, field

from bitbrat.connectors.twitch.irc_client import IrcClient


@dataclass
class Connections:
    """The connections of this process. A name is there from the moment its client exists, connected or not."""

    irc: dict[str, IrcClient] = field(default_factory=dict)

    @property
    def health(self) -> dict[str, str]:
        """Each connection's state, and why, for people: ``online``, ``needs_signin: …``."""
        return {name: _told(client) for name, client in self.irc.items()}


def _told(client: IrcClient) -> str:
    status = client.status
    return f"{status.state}: {status.cause}" if status.cause else status.state

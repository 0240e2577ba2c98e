"""The settings of ingress and egress."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from bitbrat.config import ServiceSettings
from bitbrat.connectors.twitch.irc_config import IrcConfig
from bitbrat.errors import ConfigError


def _words(value: object) -> object:
    """A list from ``a, b``."""
    return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value


Words = Annotated[str | tuple[str, ...], BeforeValidator(_words)]
"""Names separated by commas."""


class TwitchPart(BaseModel):
    """The Twitch account and its channels; without ``irc_url`` there is no connection to Twitch."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    irc_url: str = Field(
        "", description="Twitch chat: `wss://irc-ws.chat.twitch.tv` or `ircs://irc.chat.twitch.tv:6697`. Empty: not connected."
    )
    nick: str = Field("", description="The bot account's login. Without a token the connection is anonymous and only reads.")
    token: SecretStr | None = Field(None, description="The bot account's chat token (scopes `chat:read chat:edit`).")
    channels: Words = Field((), description="Channels to join, separated by commas.")
    connection: str = Field(
        "twitch", pattern=r"^[a-z0-9-]{1,63}$", description="The name of this connection; it is part of every event's id."
    )
    ignore_own_account: bool = Field(
        True,
        description="Whether what the bot's account says is ignored, whoever typed it. A streamer who runs the bot on their own account "
        "sets it to false: then only the echo of the bot's own replies is ignored.",
    )

    @model_validator(mode="after")
    def _can_connect(self) -> TwitchPart:
        """Refused at start, not when the connection is made."""
        if self.irc_url:
            try:
                self.irc()
            except ConfigError as error:
                raise ValueError(error.message) from None
        return self

    def irc(self) -> IrcConfig:
        """The chat client's configuration. Raises ``config.bad``."""
        return IrcConfig(
            url=self.irc_url, nick=self.nick, token=self.token, channels=self.channels, ignore_own_account=self.ignore_own_account
        )


class IngressPart(BaseModel):
    """What may come in over HTTP."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    token: SecretStr | None = Field(None, description="The bearer token of `POST /v1/events`. Without one nobody may post.")
    body_limit: int = Field(262_144, ge=1024, le=262_144, description="The largest body of `POST /v1/events`, in bytes.")


class IngressEgressSettings(ServiceSettings):
    """Everything that ingress and egress are told."""

    model_config = SettingsConfigDict(env_prefix="BITBRAT_")

    twitch: TwitchPart = Field(default_factory=TwitchPart, description="The Twitch account.")
    ingress: IngressPart = Field(default_factory=IngressPart, description="Events over HTTP.")

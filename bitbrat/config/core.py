"""The settings of every process, whichever services run in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_settings import SettingsConfigDict

from bitbrat.config.nats import NatsSettings
from bitbrat.config.settings import ServiceSettings
from bitbrat.config.urls import Location, parse_bus_url, parse_store_url
from bitbrat.errors import ConfigError


def _url(parse: Callable[[str], Location]) -> AfterValidator:
    def check(text: str) -> str:
        try:
            parse(text)
        except ConfigError as error:
            raise ValueError(error.message) from None
        return text

    return AfterValidator(check)


class CoreSettings(ServiceSettings):
    """What `bitbrat run` needs to know: where messages and data go, where it listens, what it writes."""

    model_config = SettingsConfigDict(env_prefix="BITBRAT_")

    bus: Annotated[str, _url(parse_bus_url)] | None = Field(
        None,
        repr=False,
        description="Where messages travel: `memory://`, `sqlite:///path`, `nats://host:port` (or `tls://`). `run` needs it; "
        "`dev` uses a file in `.bitbrat/`.",
    )
    store: Annotated[str, _url(parse_store_url)] | None = Field(
        None,
        repr=False,
        description="Where data lives: `memory://`, `sqlite:///path` or `postgresql://user:password@host:5432/database?pool=16`."
        " `run` needs it; `dev` uses a file in `.bitbrat/`.",
    )
    http_host: str = Field("127.0.0.1", description="The address to listen on. Anything but loopback is reachable by others.")
    http_port: int = Field(2728, ge=0, le=65535, description="The port to listen on; 0 takes any free one.")
    http_header_seconds: float = Field(10.0, gt=0, le=120, description="How long a client may take to send a request's headers.")
    http_body_seconds: float = Field(15.0, gt=0, le=300, description="How long a client may take to send a request's body.")
    topic_prefix: str = Field(
        "", pattern=r"^[a-z0-9-]{0,32}$", description="Put before the names of topics on NATS, so that two deployments can share a server."
    )
    nats: NatsSettings = Field(NatsSettings(), description="What a NATS bus needs besides its URL.")
    log_format: Literal["auto", "json", "console"] = Field(
        "auto", description="How log lines look; `auto` is `console` on a terminal and `json` elsewhere."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="From which level on log lines are written.")
    drain_seconds: float = Field(8.0, ge=0, le=60, description="How long a stopping process may take to finish what it has in hand.")
    error_base: str = Field(
        "urn:bitbrat:error:",
        min_length=1,
        description="What stands before the code in the `type` of an HTTP problem: a URN or a URL of yours.",
    )

"""A platform with everything in it, asked in this process and over a real socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import services.auth
import services.commands
import services.dlq
import services.finalizer
import services.greeter
import services.ingress_egress
import services.router
from bitbrat import Context, Envelope, Handled, Outcome, Retry, Service, Skip
from bitbrat.api.client import HttpOperator
from bitbrat.api.endpoints import endpoints
from bitbrat.api.local import PlatformOperator
from bitbrat.telemetry.metrics import Metrics
from bitbrat.testing import Platform, platform
from bitbrat.web import Health, HttpServer, make_app, serve
from services.router import RouterSettings

TOKEN = "0123456789abcdef" * 4
CORE = (
    services.ingress_egress.service,
    services.auth.service,
    services.router.service,
    services.finalizer.service,
    services.dlq.service,
    services.commands.service,
    services.greeter.service,
)
RULES = """
- id: ping
  match: {command: "!ping"}
  reply: pong
  tests:
    - {say: "!ping", expect: {reply: pong}}
    - {say: "!ping", expect: {reply: ping}}
- id: boom
  match: {command: "!boom"}
  slip: [moody]
"""


class Mood:
    """Whether the step works today."""

    def __init__(self) -> None:
        self.good = False


def moody(mood: Mood) -> Service:
    """A service whose step crashes until its mood is good."""
    service = Service("moody")

    @service.step("internal.moody.v1", retry=Retry(base=0.001))
    async def act(envelope: Envelope, ctx: Context) -> Outcome:
        if not envelope.payload.get("text", "").startswith("!boom"):
            return Skip("not for me")
        if not mood.good:
            raise KeyError("target")
        return Handled(reply="mended")

    return service


@asynccontextmanager
async def running(folder: Path, mood: Mood | None = None) -> AsyncIterator[Platform]:
    """The platform with :data:`RULES` and a moody step."""
    (folder / "rules.yaml").write_text(RULES, encoding="utf-8")
    settings = {"router": RouterSettings(rules=str(folder / "rules.yaml"))}
    async with platform(*CORE, moody(mood or Mood()), settings=settings) as found:
        yield found


@asynccontextmanager
async def listening(found: Platform) -> AsyncIterator[HttpServer]:
    """The API of a platform, on a socket of this machine."""

    async def health() -> Health:
        return Health(True)

    app = make_app(health=health, metrics=Metrics(), routes=endpoints(PlatformOperator(found.runtime, by="test"), TOKEN))
    server = await serve(app)
    try:
        yield server
    finally:
        await server.close()


@asynccontextmanager
async def asked(server: HttpServer, token: str = TOKEN) -> AsyncIterator[HttpOperator]:
    """An operator that asks over HTTP."""
    operator = HttpOperator(server.url, token)
    try:
        yield operator
    finally:
        await operator.close()

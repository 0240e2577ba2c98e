"""The whole platform as ``bitbrat run`` composes it, on a chat server's real socket, and steps that do what chat asks for."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bitbrat import Context, Envelope, Handled, Outcome, Service, StepFailed
from bitbrat.codec import decode
from bitbrat.fake_twitch import FakeTwitch
from bitbrat.host import CORE, Host, load_services
from bitbrat.outcome import Failed
from bitbrat.store import FinalRecord
from bitbrat.topics import egress_topic
from bitbrat.world import World

TOKEN = "kanarienvogel-4711"
RULES = """
- {id: shout, priority: 1, match: {command: "!shout"}, slip: [shout]}
- {id: wait, priority: 2, match: {command: "!wait"}, slip: [wait]}
- {id: sorry, priority: 3, match: {command: "!sorry"}, slip: [sorry]}
- {id: late, priority: 4, match: {command: "!late"}, deadline: 1s, slip: [wait]}
"""


@dataclass
class Toys:
    """A service whose steps a test can hold up. ``door`` is what ``!wait`` waits for."""

    service: Service = field(default_factory=lambda: Service("toys"))
    door: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: int = 0

    def __post_init__(self) -> None:
        self.service.step("internal.shout.v1")(self.shout)
        self.service.step("internal.wait.v1")(self.wait)
        self.service.step("internal.sorry.v1")(self.sorry)

    async def shout(self, envelope: Envelope, ctx: Context) -> Outcome:
        """Say what was asked for; ``|`` becomes CR LF."""
        return Handled(reply=str(envelope.payload["text"]).removeprefix("!shout ").replace("|", "\r\n"))

    async def wait(self, envelope: Envelope, ctx: Context) -> Outcome:
        """Answer when the door is open."""
        self.waiting += 1
        await self.door.wait()
        return Handled(reply=f"waited: {envelope.payload['text']}")

    async def sorry(self, envelope: Envelope, ctx: Context) -> Outcome:
        """Fail, with an apology."""
        if "crash" in envelope.payload["text"]:
            raise StepFailed("step.crashed", "no")
        return Failed("step.crashed", "no", replies=("sorry!",))


@dataclass
class Chat:
    """A running platform and the server that it is connected to."""

    host: Host
    twitch: FakeTwitch
    log: io.StringIO

    @property
    def state(self) -> str:
        """How the connection is."""
        service = next(one for one in self.host.runtime.services if one.name == "ingress-egress")
        return str(self.host.runtime.state_of(service).irc["twitch"].status.state)

    async def say(self, text: str, **tags: str) -> str:
        """A line of somebody's in the channel; its message id."""
        return await self.twitch.say("chan", "ann", text, **tags)

    async def heard(self, count: int, *, seconds: float = 20.0) -> list[str]:
        """What the bot has said on the socket, once it is ``count`` messages."""
        async with asyncio.timeout(seconds):
            await self.twitch.until("sent", at_least=count)
        return [sent.text for sent in self.twitch.sent]

    async def finals(self, count: int, *, seconds: float = 20.0) -> list[FinalRecord]:
        """All final records, once there are ``count`` that are no ``pending_reply``."""
        async with asyncio.timeout(seconds):
            while len(found := await self._ended()) < count:
                await asyncio.sleep(0.02)
        return found

    async def _ended(self) -> list[FinalRecord]:
        return [record for record in await self.host.runtime.store.finals(limit=1000) if record.outcome != "pending_reply"]

    async def final(self, envelope_id: str, *, seconds: float = 20.0) -> FinalRecord:
        """The final record of one envelope."""
        async with asyncio.timeout(seconds):
            while True:
                record = await self.host.runtime.store.final(envelope_id)
                if record is not None and record.outcome != "pending_reply":
                    return record
                await asyncio.sleep(0.02)

    async def ingest(self, text: str, **changes: Any) -> Envelope:
        """A chat line that did not come over the socket, from the same connection."""
        known: dict[str, Any] = {"platform": "twitch", "connection": "twitch", "channel": "chan", "channel_id": "100"}
        known["egress_destination"] = egress_topic("twitch")
        return await self.host.runtime.ingest("", "external.chat.message.v1", {"text": text}, **{**known, **changes})

    async def ready(self) -> tuple[int, dict[str, Any]]:
        """Status and body of ``/readyz``."""
        async with self.host.runtime.http().get(f"{self.host.front.url}/readyz") as answer:
            return answer.status, await answer.json(content_type=None)

    async def until(self, true: Callable[[], object], *, seconds: float = 20.0) -> None:
        """Wait until ``true`` says so."""
        async with asyncio.timeout(seconds):
            while not true():
                await asyncio.sleep(0.01)


def replies(record: FinalRecord) -> list[tuple[str, str]]:
    """Each reply's text, and the code of why it was not sent."""
    found = [(reply.text or "", reply.delivered) for reply in decode(record.data).replies]
    return [
        (text, "" if told is not None and told.error is None else told.error.code if told and told.error else "?") for text, told in found
    ]


@asynccontextmanager
async def chatting(
    twitch: FakeTwitch, folder: Path, toys: Toys, *, store: str = "memory", ws: bool = False, world: World | None = None, **settings: str
) -> AsyncIterator[Chat]:
    """The platform, in channel ``chan``. ``settings`` are further variables, without ``BITBRAT_``."""
    rules = folder / "rules.yaml"
    rules.write_text(RULES)
    url = "memory://" if store == "memory" else f"sqlite:///{folder}/bitbrat.db"
    environ = {
        "BITBRAT_BUS": url,
        "BITBRAT_STORE": url,
        "BITBRAT_HTTP_PORT": "0",
        "BITBRAT_ROUTER__RULES": str(rules),
        "BITBRAT_ROUTER__DEFAULT_SLIP": "commands",
        "BITBRAT_TWITCH__IRC_URL": twitch.ws_url if ws else twitch.url,
        "BITBRAT_TWITCH__NICK": "bot",
        "BITBRAT_TWITCH__TOKEN": TOKEN,
        "BITBRAT_TWITCH__CHANNELS": "chan",
        **{f"BITBRAT_{name}": value for name, value in settings.items()},
    }
    host = Host.of([*load_services(CORE), toys.service], environ, world=world)
    host.logs.stream = log = io.StringIO()
    joined = len(twitch.joins)
    await host.start()
    try:
        if twitch.tokens is None or TOKEN in twitch.tokens:
            await twitch.until("joins", at_least=joined + 1)
        yield Chat(host, twitch, log)
    finally:
        await host.stop()

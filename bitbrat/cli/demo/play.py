"""Plays a chat: a server that speaks Twitch's dialect on one side, the whole platform on the other."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

from bitbrat.cli.demo.script import Script, read_script
from bitbrat.cli.demo.show import Show
from bitbrat.cli.demo.verdict import Verdict
from bitbrat.fake_twitch import FakeTwitch
from bitbrat.host import Host, load_services
from bitbrat.host.modules import CORE
from bitbrat.store import FinalRecord

PATIENCE = 30.0
"""Seconds to wait, after the last line, for what is still on its way."""


@dataclass
class Play:
    """One performance of ``script`` with ``rules``; its data lives in ``folder``."""

    script: Path
    rules: Path
    folder: Path
    show: Show
    finals: dict[str, FinalRecord] = field(default_factory=dict)

    async def run(self, *, pause: float) -> int:
        """Play, show, check: the exit code."""
        script = read_script(self.script)
        async with FakeTwitch() as twitch:
            twitch.moderated.update(script.channels)
            host = Host.of(load_services([*CORE, "bitbrat.cli.demo.steps"]), self._environment(twitch.url, script))
            self.show.opening(self.script, twitch.url, len(script.lines))
            await host.start()
            try:
                await twitch.until("joins", at_least=len(script.channels))
                await self._play(twitch, host, script, pause)
                await self._settle(host, script)
            finally:
                await host.stop()
            verdict = Verdict.of(script, self.finals, twitch.sent)
        self.show.summary(verdict)
        return 0 if verdict.agrees else 1

    def _environment(self, url: str, script: Script) -> dict[str, str]:
        database = f"sqlite:///{self.folder / 'demo.db'}"
        return {
            "BITBRAT_BUS": database,
            "BITBRAT_STORE": database,
            "BITBRAT_HTTP_PORT": "0",
            "BITBRAT_LOG_LEVEL": "error",
            "BITBRAT_LOG_FORMAT": "json",
            "BITBRAT_ROUTER__RULES": str(self.rules),
            "BITBRAT_TWITCH__IRC_URL": url,
            "BITBRAT_TWITCH__NICK": "bitbrat",
            "BITBRAT_TWITCH__TOKEN": "demo-token",
            "BITBRAT_TWITCH__CHANNELS": ",".join(script.channels),
        }

    async def _play(self, twitch: FakeTwitch, host: Host, script: Script, pause: float) -> None:
        for line in script.lines:
            await script.moment(line)
            await twitch.play([line.raw])
            self.show.line(line)
            await asyncio.sleep(pause)
            await self._collect(host, script)

    async def _settle(self, host: Host, script: Script) -> None:
        """Wait until everything that was said has its final record."""
        loop = asyncio.get_running_loop()
        end = loop.time() + PATIENCE
        while set(script.expected) - set(self.finals) and loop.time() < end:
            await asyncio.sleep(0.05)
            await self._collect(host, script)

    async def _collect(self, host: Host, script: Script) -> None:
        for identity in list(script.expected):
            if identity in self.finals:
                continue
            record = await host.runtime.store.final(identity)
            if record is not None and record.outcome != "pending_reply":
                self.finals[identity] = record
                self.show.ended(record, script.expected[identity])

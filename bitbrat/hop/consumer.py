"""A consumer pulls deliveries of one topic and runs their hops, a fixed number at once."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import cast

from bitbrat.bus import Delivery
from bitbrat.errors import BitBratError
from bitbrat.hop.frame import HopRunner

PREFETCH = 4
"""How many deliveries are taken per slot: those that wait are kept by the lease keeper too."""


class Consumer:
    """Runs one handler's hops. ``paused_for`` says why it does not pull just now, or is empty."""

    def __init__(self, runner: HopRunner) -> None:
        self.runner = runner
        self.paused_for = ""
        self._queue: asyncio.Queue[Delivery] = asyncio.Queue(runner.spec.concurrency)
        self._running: list[asyncio.Task[None]] = []
        self._puller: asyncio.Task[None] | None = None
        self._idle = [asyncio.Event() for _ in range(runner.spec.concurrency)]
        self._open = asyncio.Event()
        self._open.set()

    def start(self) -> None:
        """Begin to pull."""
        loop = asyncio.get_running_loop()
        name = f"{self.runner.group}:{self.runner.topic}"
        self._puller = loop.create_task(self._pull(), name=f"pull {name}")
        for idle in self._idle:
            idle.set()
            self._running.append(loop.create_task(self._work(idle), name=f"work {name}"))

    async def stop(self, grace: float) -> None:
        """Stop pulling, put back what has not started, wait ``grace`` seconds for what runs, cancel the rest."""
        if self._puller is not None:
            self._puller.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._puller
        while not self._queue.empty():
            await self._queue.get_nowait().nak(delay=0.01)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace):
                for idle in self._idle:
                    await idle.wait()
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _pull(self) -> None:
        while True:
            deliveries = cast(
                AsyncGenerator[Delivery, None],
                self.runner.shared.bus.consume(self.runner.topic, self.runner.group, max_in_flight=PREFETCH * self.runner.spec.concurrency),
            )
            try:
                await self._take(deliveries)
                return
            except BitBratError as error:
                self.runner.shared.observer.trouble(f"pull {self.runner.topic}", error)
            finally:
                await deliveries.aclose()
            await asyncio.sleep(1.0 + self.runner.shared.world.random())

    async def _take(self, deliveries: AsyncGenerator[Delivery, None]) -> None:
        async for delivery in deliveries:
            try:
                await self._open.wait()
                await self._queue.put(delivery)
            except asyncio.CancelledError:
                await delivery.nak(delay=0.01)
                raise

    async def _work(self, idle: asyncio.Event) -> None:
        while True:
            delivery = await self._queue.get()
            idle.clear()
            pause = await self._run(delivery)
            idle.set()
            if pause is not None:
                await self._pause(pause)
            elif self.paused_for:
                self.paused_for = ""
                self._open.set()

    async def _run(self, delivery: Delivery) -> float | None:
        try:
            return await self.runner.run(delivery)
        except Exception as error:
            # Not even putting it back has worked: the bus hands it out again by itself, and this slot goes on.
            self.runner.shared.observer.trouble(f"{self.runner.group} on {self.runner.topic}", error)
            return 1.0

    async def _pause(self, seconds: float) -> None:
        """Something that every message needs is down: let one through now and then, until it works again."""
        self.paused_for = f"{self.runner.group} on {self.runner.topic} waits for what it needs"
        self._open.clear()
        while not self._queue.empty():
            with contextlib.suppress(BitBratError):
                await self._queue.get_nowait().nak(delay=seconds)
        await asyncio.sleep(seconds)
        self._open.set()

"""A process that stays: started, probed, announced, and ended in an orderly way by a signal."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from bitbrat.api.endpoints import endpoints
from bitbrat.api.local import PlatformOperator
from bitbrat.api.owner import Owner, announce, make_token, place_of, withdraw
from bitbrat.cli.holder import holder_of
from bitbrat.errors import BitBratError
from bitbrat.host import Host

INTERRUPTED = 130
PROBES, PROBE_EVERY = 200, 0.05


def run_loop(main: Coroutine[Any, Any, int]) -> int:
    """Run ``main`` on the fastest event loop there is."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(main)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


async def serve(host: Host, *, ready: Callable[[], Awaitable[None]], api: bool = True) -> int:
    """Run ``host`` until SIGTERM (0) or SIGINT (130), with the operator's API unless ``api`` is False.

    ``ready`` is called once ``/readyz`` has answered 200. Raises what the start raises; then everything is let go.
    """
    got: list[int] = []
    _on_signals(host, got)
    try:
        await host.start(endpoints(PlatformOperator(host.runtime, by="api"), make_token()) if api else ())
        await probe(host)
        if api:
            announce(owner_of(host))
        await ready()
        await host.stopping.wait()
    finally:
        withdraw(os.getpid())
        await _stop(host)
    return INTERRUPTED if got[:1] == [signal.SIGINT] else 0


def owner_of(host: Host) -> Owner:
    """What others of this folder need to find this process."""
    url = host.front.url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")
    return Owner(url, os.getpid(), place_of(host.core.bus or ""), place_of(host.core.store or ""))


async def probe(host: Host) -> None:
    """Ask ``/readyz`` over HTTP until it says yes. Raises ``http.not_ready`` with the cause when it never does."""
    for _ in range(PROBES):
        async with host.runtime.http().get(f"{host.front.url}/readyz", headers={"Connection": "close"}) as answer:
            if answer.status == 200:
                return
        await asyncio.sleep(PROBE_EVERY)
    trouble = await host.runtime.trouble()
    raise BitBratError("http.not_ready", f"not ready after {PROBES * PROBE_EVERY:g} s", why=trouble.cause if trouble else "")


def explained(error: BitBratError, port: str) -> BitBratError:
    """``error`` of ``bitbrat dev`` with who holds the port, or the data, and what to do about it."""
    if error.code == "net.port_in_use":
        number = int(port)
        other = number + 1 if number < 65_535 else number - 1
        return BitBratError(error.code, error.message, why=held(number), fix=f"stop it, or run: bitbrat dev --port {other}")
    if error.code in ("bus.in_use", "store.in_use"):
        fix = 'use it as it runs (bitbrat say "!ping"), stop it, or run: bitbrat dev --ephemeral --port 0'
        return BitBratError(error.code, error.message, why=error.why, fix=fix)
    return error


def held(port: int) -> str:
    """Who holds a port, in words."""
    holder = holder_of(port)
    return f"held by {holder}" if holder else "held by a process that this user cannot see"


def _on_signals(host: Host, got: list[int]) -> None:
    def stop(number: int) -> None:
        if got:
            os._exit(INTERRUPTED)  # asked twice: at once; what was in hand comes back at the next start
        got.append(number)
        host.stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop, number)


async def _stop(host: Host) -> None:
    """Drain, for as long as the settings allow; what is not done by then comes back at the next start."""
    try:
        await asyncio.wait_for(host.stop(), host.core.drain_seconds)
    except TimeoutError:
        host.logs.logger("bitbrat").warning("stopped before everything was let go", seconds=host.core.drain_seconds)

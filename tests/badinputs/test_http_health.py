"""Row 59: health while the process is overloaded and while the broker is down."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from bitbrat.errors import BusUnavailable
from bitbrat.web import Health
from bitbrat.web.health import ask
from tests.unit.web.client import running


async def broker_down() -> Health:
    """What a runtime says when its bus does not answer."""
    return Health(False, "bus.unavailable", "the bus does not answer since 12:04", {"bus": "down", "store": "ok"})


async def failing() -> Health:
    """A check that itself fails."""
    raise BusUnavailable("bus.unavailable", "no answer")


@pytest.mark.parametrize("check", [broker_down, failing], ids=["59-said", "59-raised"])
async def test_with_the_broker_down_it_is_alive_and_not_ready(check: object) -> None:
    """A restart would not mend the broker: live stays 200, ready is 503 and says why."""
    async with running(health=check) as server:
        for path in ("/healthz", "/livez"):
            async with server.client.get(path) as answer:
                assert answer.status == 200
        async with server.client.get("/readyz") as answer:
            problem = await answer.json(content_type="application/problem+json")

    assert (answer.status, problem["code"]) == (503, "bus.unavailable")
    assert "answer" in problem["detail"]
    assert answer.headers["Retry-After"]


async def test_59_when_all_is_well_it_is_ready() -> None:
    """200, with what it stands on."""
    async with running() as server, server.client.get("/readyz") as answer:
        assert (answer.status, (await answer.json())["details"]) == (200, {"bus": "memory"})


async def test_59_a_check_without_an_answer_is_a_no() -> None:
    """Readiness does not hang with what it asks about."""

    async def silent() -> Health:
        await asyncio.Event().wait()
        return Health(True)

    assert not (await ask(silent, patience=0.01)).ready


async def test_59_under_full_load_it_answers() -> None:
    """While two hundred requests are in work, live and ready are answered."""
    release, working = asyncio.Event(), asyncio.Semaphore(0)

    async def slow(_: web.Request) -> None:
        working.release()
        await release.wait()

    async with running(("GET", "/slow", slow)) as server:
        load = [asyncio.create_task(server.client.get("/slow")) for _ in range(200)]
        for _ in load:
            await working.acquire()

        for path in ("/healthz", "/readyz"):
            async with server.client.get(path) as answer:
                assert answer.status == 200
        release.set()
        for answer in await asyncio.gather(*load):
            answer.release()

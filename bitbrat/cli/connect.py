"""Finds who can answer: the process that owns the data, or this one, which then opens it for the moment."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TypeVar

from bitbrat.api.operator import Operator
from bitbrat.api.owner import FOLDER, Owner, place_of, read_owner, read_token
from bitbrat.errors import BitBratError

T = TypeVar("T")
DATA = f"sqlite:///{FOLDER}/dev.db"


def ask(question: Callable[[Operator], Awaitable[T]], *, platform: bool = False) -> T:
    """The answer to ``question``, from whoever can give it. ``platform``: it needs a running platform, not only the store."""

    async def answered() -> T:
        async with operator(platform=platform) as found:
            return await question(found)

    return asyncio.run(answered())


@asynccontextmanager
async def operator(*, platform: bool = False) -> AsyncIterator[Operator]:
    """The operator of the owner's process where there is one, else one of our own. Raises ``cli.cannot_connect``."""
    environ = environment()
    found = await remote(environ)
    if found is not None:
        try:
            yield found
        finally:
            await found.close()
        return
    from bitbrat.cli.inhouse import local

    async with local(environ, platform=platform) as own:
        yield own


def environment(*, ephemeral: bool = False) -> dict[str, str]:
    """The settings of this shell, with bus and store in ``.bitbrat/`` unless they are set; ``ephemeral``: in memory."""
    found = dict(os.environ)
    if ephemeral:
        return {**found, "BITBRAT_BUS": "memory://", "BITBRAT_STORE": "memory://"}
    return {"BITBRAT_BUS": DATA, "BITBRAT_STORE": DATA, **found}


def owner_of(environ: Mapping[str, str]) -> Owner | None:
    """The process that owns the data named in ``environ``, if it says so and is alive."""
    owner = read_owner()
    if owner is None or owner.store == place_of(environ["BITBRAT_STORE"]):
        return owner
    # Another store than the owner's is asked for only by somebody who has set it.
    return None if "BITBRAT_STORE" in os.environ else owner


async def remote(environ: Mapping[str, str]) -> Operator | None:
    """The operator of the process that owns the data; None when there is none, or it does not answer."""
    owner = owner_of(environ)
    if owner is None:
        return None
    from bitbrat.api.client import HttpOperator

    found = HttpOperator(owner.url, read_token())
    try:
        await found.status()
    except BitBratError as error:
        await found.close()
        if error.code != "cli.cannot_connect":
            raise
        return None
    return found

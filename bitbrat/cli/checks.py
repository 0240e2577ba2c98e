"""What ``bitbrat doctor`` looks at, one check after the other. None of them changes anything."""

from __future__ import annotations

import asyncio
import os
import platform
import stat
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bitbrat import __version__
from bitbrat.api.operator import Operator
from bitbrat.api.owner import FOLDER, TOKEN
from bitbrat.catalogue import explain
from bitbrat.cli.connect import environment, owner_of, remote
from bitbrat.cli.holder import holder_of
from bitbrat.cli.inhouse import rules_here
from bitbrat.cli.output import clean
from bitbrat.cli.place import Here
from bitbrat.config import CoreSettings, SettingsError, load, parse_bus_url, parse_store_url
from bitbrat.errors import BitBratError, ConfigError
from bitbrat.host.host import read_settings
from bitbrat.runtime import open_bus, open_store
from bitbrat.world import RealWorld

SUPPORTED = ((3, 11), (3, 13))


@dataclass(frozen=True)
class Finding:
    """What was found, and what to do about it."""

    state: Literal["ok", "WARN", "FAIL"]
    text: str
    fix: str = ""
    code: str = ""


async def examine() -> list[Finding]:
    """Every finding, in the order in which one would mend them."""
    environ = environment()
    here = Here.load()
    found = [*_python(), *_steps(here), *_settings(here, environ), *_folder()]
    owner = await _owner(environ, found)
    if owner is not None:
        try:
            found += [finding async for finding in _running(owner)]
        finally:
            await owner.close()
        return [*found, *_twitch(environ)]
    found += [finding async for finding in _data(environ)]
    return [*found, *_port(environ), *_rules(environ), *_twitch(environ)]


def _python() -> Iterator[Finding]:
    version = tuple(map(int, platform.python_version_tuple()[:2]))
    text = f"python {platform.python_version()}, bitbrat {__version__}"
    fits = SUPPORTED[0] <= version <= SUPPORTED[1]
    yield Finding("ok", text) if fits else Finding("WARN", f"{text}: tested with 3.11 to 3.13", "use Python 3.11, 3.12 or 3.13")


def _steps(here: Here) -> Iterator[Finding]:
    if here.own:
        yield Finding("ok", f"steps: {', '.join(here.own)}")
    for file, why in here.failures.items():
        yield Finding("FAIL", f"{file} cannot be loaded: {clean(why, 300)}", "correct the file", "config.bad")


def _settings(here: Here, environ: Mapping[str, str]) -> Iterator[Finding]:
    try:
        read_settings(here.services, environ)
    except SettingsError as error:
        yield from (Finding("FAIL", f"{wrong.name} {wrong.message}", explain(wrong.code).fix, wrong.code) for wrong in error.problems)
    except ConfigError as error:
        yield _failed("settings", error)
    else:
        ours = sum(name.startswith("BITBRAT_") for name in os.environ)
        yield Finding("ok", f"settings: {ours} set, all known")


def _folder() -> Iterator[Finding]:
    token = FOLDER / TOKEN
    if token.exists() and stat.S_IMODE(token.stat().st_mode) & 0o077:
        yield Finding("FAIL", f"{token} can be read by others", f"chmod 600 {token}", "cli.refused")
    if FOLDER.exists() and not os.access(FOLDER, os.W_OK):
        yield Finding("FAIL", f"{FOLDER} cannot be written", f"make it yours: chown {os.getuid()} {FOLDER}", "store.unavailable")


async def _owner(environ: Mapping[str, str], found: list[Finding]) -> Operator | None:
    """Who runs here. One that does not let us in is a finding."""
    known = owner_of(environ)
    try:
        operator = await remote(environ)
    except BitBratError as error:
        found.append(_failed("the running process", error))
        return None
    if known is not None and operator is None:
        found.append(Finding("WARN", f"process {known.pid} says it answers at {known.url}, and does not", "stop it, and start it again"))
    return operator


async def _running(operator: Operator) -> AsyncIterator[Finding]:
    """What the process that owns the data says of itself."""
    status = await operator.status()
    yield Finding("ok", f"running: pid {status['pid']}, {len(status['services'])} services, steps {', '.join(status['steps'])}")
    if status["trouble"]:
        yield Finding("FAIL", f"it is not ready: {clean(status['trouble']['cause'])}", "look at its log", status["trouble"]["code"])
    for name in ("bus", "store"):
        part = status[name]
        state: Literal["ok", "FAIL"] = "ok" if part["healthy"] else "FAIL"
        kept = "" if part["durable"] else ", nothing survives a restart"
        yield Finding(
            state,
            f"{name}: {part['name']}{kept}",
            "" if part["healthy"] else "look at its log",
            "" if part["healthy"] else f"{name}.unavailable",
        )
    failures = sum(group["count"] for group in await operator.groups())
    if failures:
        yield Finding("WARN", f"{failures} failures are open", "bitbrat dlq list")
    for problem in _listed(await operator.rules()):
        yield problem


async def _data(environ: Mapping[str, str]) -> AsyncIterator[Finding]:
    """Bus and store, opened for a look where they are there already."""
    for name, setting, parse in (("bus", "BITBRAT_BUS", parse_bus_url), ("store", "BITBRAT_STORE", parse_store_url)):
        try:
            place = parse(environ[setting])
        except ConfigError:
            continue  # the check of the settings has said so already
        if place.scheme == "memory":
            yield Finding("WARN", f"{name}: in memory, nothing survives a restart", f"set {setting}=sqlite:///path")
        elif place.scheme == "sqlite" and not await asyncio.to_thread(Path(place.path).exists):
            yield Finding("ok", f"{name}: {place.path} is not there yet; it is made at the first start")
        else:
            yield await _opened(name, environ, place.path or f"{place.host}:{place.port or ''}".rstrip(":"))


async def _opened(name: str, environ: Mapping[str, str], path: str) -> Finding:
    try:
        healthy = await (_try_bus(environ) if name == "bus" else _try_store(environ["BITBRAT_STORE"]))
    except BitBratError as error:
        held = error.code.endswith(".in_use")
        fix = "stop that process, or run this in its folder" if held else error.fix or explain(error.code).fix
        return Finding("FAIL", f"{name}: {clean(error.message, 300)}", fix, error.code)
    if not healthy:
        return Finding(
            "FAIL", f"{name}: {path} does not take a commit", "look at the disk and at the file's permissions", f"{name}.unavailable"
        )
    return Finding("ok", f"{name}: {path} opens, and is healthy")


async def _try_bus(environ: Mapping[str, str]) -> bool:
    ours = {name: value for name, value in environ.items() if name.startswith(("BITBRAT_NATS__", "BITBRAT_TOPIC_PREFIX"))}
    (core,) = load([CoreSettings], ours)
    bus = open_bus(environ["BITBRAT_BUS"], RealWorld(), nats=core.nats, prefix=core.topic_prefix)
    try:
        await bus.topics()  # a server that cannot be reached says why
        return await bus.healthy()
    finally:
        await bus.close()


async def _try_store(url: str) -> bool:
    store = open_store(url, RealWorld())
    try:
        await store.open()
        return await store.healthy()
    finally:
        await store.close()


def _port(environ: Mapping[str, str]) -> Iterator[Finding]:
    text = environ.get("BITBRAT_HTTP_PORT", "2728")
    port = int(text) if text.isascii() and text.isdigit() else 0
    holder = holder_of(port) if port else None
    if holder is not None:
        yield Finding("FAIL", f"port {port} is held by {holder}", f"stop it, or run: bitbrat dev --port {port + 1}", "net.port_in_use")
    else:
        yield Finding("ok", f"port {text}: free")


def _rules(environ: Mapping[str, str]) -> Iterator[Finding]:
    from bitbrat.api.ruleviews import listed

    try:
        book = rules_here(environ)
    except BitBratError as error:
        yield _failed("rules", error)
        return
    yield from _listed(listed(book.rules, book.problems))


def _listed(found: Mapping[str, Any]) -> Iterator[Finding]:
    yield Finding("ok", f"rules: {len(found['rules'])} in force")
    for state, problems in (("FAIL", found["problems"]), ("WARN", found["warnings"])):
        for problem in problems:
            place = f"{problem['file']}:{problem['line']}:{problem['column']}"
            text = f"{place}: {clean(problem['message'], 300)}"
            yield Finding("FAIL" if state == "FAIL" else "WARN", text, explain(problem["code"]).fix, problem["code"])


def _twitch(environ: Mapping[str, str]) -> Iterator[Finding]:
    names = {name.removesuffix("_FILE") for name in environ if name.startswith("BITBRAT_TWITCH__")}
    if "BITBRAT_TWITCH__IRC_URL" not in names:
        yield Finding(
            "WARN", "twitch: not connected", "set BITBRAT_TWITCH__IRC_URL=wss://irc-ws.chat.twitch.tv and BITBRAT_TWITCH__CHANNELS"
        )
        return
    missing = [name for name in ("CHANNELS", "NICK", "TOKEN") if f"BITBRAT_TWITCH__{name}" not in names]
    if "CHANNELS" in missing:
        yield Finding("WARN", "twitch: no channels to join", "set BITBRAT_TWITCH__CHANNELS")
    elif missing:
        yield Finding("WARN", "twitch: anonymous, reads only", f"set {', '.join(f'BITBRAT_TWITCH__{name}' for name in missing)} to reply")
    else:
        yield Finding("ok", "twitch: address, account, token and channels are set")


def _failed(what: str, error: BitBratError) -> Finding:
    return Finding("FAIL", f"{what}: {clean(error.message, 300)}", error.fix or explain(error.code).fix, error.code)

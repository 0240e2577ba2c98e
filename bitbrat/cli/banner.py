"""What ``bitbrat dev`` and ``bitbrat run`` say at their start."""

from __future__ import annotations

from collections.abc import Iterator

import click

from bitbrat import __version__
from bitbrat.api.local import rules_of
from bitbrat.bus import Capabilities
from bitbrat.cli.output import clean
from bitbrat.cli.place import Here
from bitbrat.config import parse_store_url
from bitbrat.host import Host
from bitbrat.store import StoreCapabilities


def banner(host: Host, here: Here) -> Iterator[str]:
    """The lines of ``bitbrat dev``: what runs, on what, and what could not be loaded."""
    yield click.style(f"BitBrat {__version__}   dev", bold=True)
    yield f"  API          {host.front.url}/api/v1   (token in .bitbrat/token)"
    yield f"  Bus          {host.runtime.bus.capabilities.name}"
    yield f"  Data         {_data(host)}"
    core = sorted({step.name for service in host.runtime.services for step in service.steps} - set(here.own))
    yield f"  Steps        {', '.join(core)}{_own(here)}"
    for file, why in here.failures.items():
        yield click.style(f"  FAILED       {file}: {clean(why, 300)}", fg="red")
    yield from _rules(host)
    yield f"  Twitch       {_twitch(host)}"


def readiness(seconds: float) -> str:
    """The line that means it."""
    return f'Ready in {seconds:.1f} s.  Try:  bitbrat say "!ping"'


def promise(bus: Capabilities, store: StoreCapabilities) -> str:
    """What is promised about a message on this bus with this store, in a sentence."""
    if not bus.durable:
        return "none across a restart: the bus is in memory, and forgets what is on its way when this process ends"
    if not store.durable:
        return "at-least-once: the store is in memory, so after a restart a step may run again for the same message"
    return "one outcome for each hop: nothing accepted is lost, a redelivery changes nothing, a chat reply is sent at most once"


def _data(host: Host) -> str:
    if not host.runtime.store.capabilities.durable:
        return "in memory         nothing survives a restart"
    path = parse_store_url(host.core.store or "").path
    return f"{path}   kept between runs   (--ephemeral: nothing survives a restart)"


def _own(here: Here) -> str:
    return f"   +{len(here.own)} from ./steps: {', '.join(here.own)}" if here.own else ""


def _rules(host: Host) -> Iterator[str]:
    book = rules_of(host.runtime)
    if book is None:
        return
    yield f"  Rules        {len(book.rules)} in force, otherwise {_otherwise(host)}"
    for problem in book.problems:
        yield click.style(f"  REFUSED      {clean(str(problem), 300)}", fg="red")


def _otherwise(host: Host) -> str:
    """What becomes of a message that no rule matches."""
    steps = getattr(host.runtime.settings.get("router"), "default_slip", ())
    return f"each of {', '.join(steps)}" if len(steps) > 1 else ", ".join(steps) or "nothing"


def _twitch(host: Host) -> str:
    for name, settings in host.runtime.settings.items():
        twitch = getattr(settings, "twitch", None)
        if name == "ingress-egress" and twitch is not None and twitch.irc_url:
            account = f"as {twitch.nick}" if twitch.token is not None else "anonymous, reads only"
            return f"{', '.join(f'#{channel}' for channel in twitch.channels) or 'no channels'}   {account}"
    return "not connected     set BITBRAT_TWITCH__IRC_URL and BITBRAT_TWITCH__CHANNELS"

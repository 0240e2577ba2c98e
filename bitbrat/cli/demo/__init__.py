"""``bitbrat demo``: a recorded chat, a server that speaks Twitch's dialect, and everything in between, on a real socket."""

from bitbrat.cli.demo.command import demo

__all__ = ["demo"]

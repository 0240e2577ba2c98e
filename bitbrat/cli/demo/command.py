"""The command itself: stage, play, show, check."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import click

HERE = Path(__file__).parent


@click.command()
@click.option("--script", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Play this chat: raw Twitch IRC lines.")
@click.option("--rules", type=click.Path(exists=True, path_type=Path), help="With these rules (a YAML file or a folder).")
@click.option("--pause", default=0.05, show_default=True, type=click.FloatRange(0, 10), help="Seconds between two lines.")
def demo(script: Path | None, rules: Path | None, pause: float) -> int:
    """Play a recorded chat through everything, on a real socket, and check what came back. Ends by itself.

    Exits 1 when what was read off the socket and what the platform recorded do not agree.
    """
    from bitbrat.cli.demo.play import Play
    from bitbrat.cli.demo.show import Show

    with tempfile.TemporaryDirectory(prefix="bitbrat-demo-") as folder:
        play = Play(script or HERE / "chat.irc", rules or HERE / "rules.yaml", Path(folder), Show())
        return asyncio.run(play.run(pause=pause))

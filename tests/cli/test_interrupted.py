"""Ctrl-C in the middle of a replay ends the command, not the replay. Ids are rows of the table of bad inputs."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path

import pytest

from tests.cli.shell import bitbrat, four_parts, staying

SLOW = """
import asyncio
from pathlib import Path

from bitbrat import Handled, Retry, Service, Skip

service = Service("slow")


@service.step("internal.slow.v1", retry=Retry(base=0.01))
async def act(envelope, ctx):
    if not envelope.payload.get("text", "").startswith("!slow"):
        return Skip("not for me")
    if not Path("go").exists():
        raise KeyError("not yet")
    Path("begun").touch()
    while not Path("end").exists():
        await asyncio.sleep(0.05)
    return Handled(reply="at last")
"""


async def appears(path: Path) -> None:
    """Wait for a file."""
    async with asyncio.timeout(30):
        while not await asyncio.to_thread(path.exists):
            await asyncio.sleep(0.05)


@pytest.mark.slow
async def test_row_90_a_replay_goes_on_when_its_command_is_interrupted(tmp_path: Path) -> None:
    """130; the same command again finds nothing to do; the replay ends well by itself. One that only waits says so."""
    (tmp_path / "steps").mkdir()
    (tmp_path / "steps" / "slow.py").write_text(SLOW)
    with staying("dev", "--port", "0", "--ephemeral", cwd=tmp_path) as dev:
        dev.until("Ready in")
        assert bitbrat("say", "!slow", cwd=tmp_path).code == 1
        (tmp_path / "go").touch()

        with staying("dlq", "retry", "--all", "--yes", "--timeout", "3600", cwd=tmp_path) as retry:
            await appears(tmp_path / "begun")
            interrupted = retry.end(signal.SIGINT)
        again = bitbrat("dlq", "retry", "--all", "--yes", cwd=tmp_path)
        impatient = bitbrat("say", "!slow", "--timeout", "0.3", cwd=tmp_path)
        (tmp_path / "end").touch()
        dev.until('"at last"')
        dev.until('"at last"')
        listed = json.loads(bitbrat("dlq", "list", "--json", cwd=tmp_path).out)

    assert interrupted == 130
    assert (again.code, again.out) == (0, "Nothing to do: no open failures of that kind.\n")
    assert (impatient.code, four_parts(impatient.err)["code"].split()[0]) == (1, "cli.not_ended")
    assert [row["state"] for row in listed if row["state"] == "open"] == []


@pytest.mark.slow
async def test_a_step_that_hangs_does_not_keep_the_process(tmp_path: Path) -> None:
    """SIGTERM: it is cut off and put back, and goes on with the next process."""
    (tmp_path / "steps").mkdir()
    (tmp_path / "steps" / "slow.py").write_text(SLOW)
    (tmp_path / "go").touch()
    with staying("dev", "--port", "0", cwd=tmp_path) as dev:
        dev.until("Ready in")
        with staying("say", "!slow", cwd=tmp_path):
            await appears(tmp_path / "begun")
            code = dev.end(signal.SIGTERM, seconds=10.0)
    (tmp_path / "end").touch()

    with staying("dev", "--port", "0", cwd=tmp_path) as dev:
        dev.until('"at last"')

    assert code == 0

"""What a person at a terminal waits for: --help, version, dev until it is ready, say until the answer. Whole processes.

python bench/cli.py [rounds]
"""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BITBRAT = str(Path(sys.executable).with_name("bitbrat"))


def timed(*command: str, cwd: str) -> float:
    """Milliseconds of one whole process, which must end well."""
    begun = time.perf_counter()
    subprocess.run([*command], cwd=cwd, check=True, capture_output=True)
    return (time.perf_counter() - begun) * 1000


def dev(folder: str, rounds: int) -> tuple[float, list[float]]:
    """Start ``bitbrat dev``: milliseconds until it says Ready, and of each ``say "!ping"`` while it runs."""
    begun = time.perf_counter()
    process = subprocess.Popen([BITBRAT, "dev", "--port", "0"], cwd=folder, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("Ready"):
                break
        ready = (time.perf_counter() - begun) * 1000
        return ready, [timed(BITBRAT, "say", "!ping", cwd=folder) for _ in range(rounds)]
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def main() -> None:
    """Print medians, least and most, in milliseconds."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    with tempfile.TemporaryDirectory() as folder:
        found = {
            "python -c pass": [timed(sys.executable, "-c", "pass", cwd=folder) for _ in range(rounds)],
            "bitbrat --help": [timed(BITBRAT, "--help", cwd=folder) for _ in range(rounds)],
            "bitbrat version": [timed(BITBRAT, "version", cwd=folder) for _ in range(rounds)],
        }
        ready, says = zip(*(dev(folder, 2) for _ in range(max(rounds // 2, 3))), strict=True)
        found |= {"bitbrat dev until Ready": list(ready), 'bitbrat say "!ping" to a running dev': [one for many in says for one in many]}
    print(f"{'ms, whole process':<40} median   least    most   ({os.cpu_count()} cores)")
    for name, times in found.items():
        print(f"{name:<40} {statistics.median(times):6.0f}  {min(times):6.0f}  {max(times):6.0f}")


if __name__ == "__main__":
    main()

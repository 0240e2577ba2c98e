"""``make`` finds a Python that runs, and says clearly when there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.tree import ROOT


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what ``tools/venv.sh`` needs, with a PATH of its own in ``bin``."""
    for folder in ("tools", "bin"):
        (tmp_path / folder).mkdir()
    for name in ("tools/venv.sh", "tools/venv.py", "pyproject.toml", "requirements.lock", "requirements-dev.lock"):
        shutil.copy(ROOT / name, tmp_path / name)
    for tool in ("sh", "dirname"):
        (tmp_path / "bin" / tool).symlink_to(shutil.which(tool) or "")
    return tmp_path


def a_program(checkout: Path, name: str, text: str) -> None:
    """Put a shell script on the checkout's PATH."""
    path = checkout / "bin" / name
    path.write_text(f"#!{shutil.which('sh')}\n{text}\n")
    path.chmod(0o755)


def run(checkout: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """``tools/venv.sh run`` with only the checkout's PATH."""
    sh = shutil.which("sh") or "sh"
    env = {"PATH": str(checkout / "bin"), "HOME": str(checkout), **environment}
    return subprocess.run([sh, "tools/venv.sh", "run"], cwd=checkout, env=env, capture_output=True, text=True, check=False)


def test_a_shim_that_fails_is_passed_over(checkout: Path) -> None:
    """Version managers put a ``python3.13`` on PATH that only complains; the next one is taken."""
    a_program(checkout, "python3.13", "exit 127")
    a_program(checkout, "python3.12", 'echo "took $0 $*"')

    done = run(checkout)

    assert done.stdout.splitlines()[-1] == f"took {checkout / 'bin' / 'python3.12'} tools/venv.py run"


def test_without_a_python_the_error_says_what_was_tried(checkout: Path) -> None:
    """And how to name one."""
    done = run(checkout)

    assert done.returncode == 1
    assert "no Python 3.11, 3.12 or 3.13 found" in done.stderr
    assert "make PYTHON=" in done.stderr


def test_a_chosen_python_that_does_not_run_is_an_error(checkout: Path) -> None:
    """Another one is not taken in its place."""
    a_program(checkout, "python3.12", "echo took")

    done = run(checkout, PYTHON="python9")

    assert (done.returncode, done.stdout) == (1, "")
    assert "PYTHON=python9 is not a Python 3.11, 3.12 or 3.13 that runs" in done.stderr


def test_without_ensurepip_the_error_names_the_package(checkout: Path) -> None:
    """Debian has it in a package of its own."""
    (checkout / "sitecustomize.py").write_text("import sys\nsys.modules['ensurepip'] = None\n")

    done = run(checkout, PYTHON=getattr(sys, "_base_executable", sys.executable), PYTHONPATH=str(checkout))

    assert done.returncode == 1
    assert "apt-get install python3-venv" in done.stderr
    assert not (checkout / ".venv").exists()


def test_a_venv_that_is_ready_is_left_alone(checkout: Path) -> None:
    """With its stamp in place nothing is run, nothing is fetched."""
    python = getattr(sys, "_base_executable", sys.executable)
    subprocess.run([python, "-m", "venv", "--without-pip", str(checkout / ".venv")], check=True)
    stamping = "import venv; venv.STAMP.write_text(venv.json.dumps({'root': str(venv.ROOT), 'run': venv.wanted('run')}))"
    subprocess.run([python, "-c", f"import sys; sys.path.insert(0, 'tools'); {stamping}"], cwd=checkout, check=True, env={**os.environ})

    done = run(checkout)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

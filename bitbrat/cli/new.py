"""``bitbrat new``: a step or a service with a passing test, to begin with."""

from __future__ import annotations

import re
from pathlib import Path

import click

from bitbrat.cli.output import print_json
from bitbrat.errors import BitBratError

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*\Z")
_CONFIGURATION = ("pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg")
TAKEN = frozenset(
    (
        "ingress",
        "egress",
        "ingress-egress",
        "auth",
        "authenticated",
        "router",
        "reroute",
        "complete",
        "finalizer",
        "dlq",
        "commands",
        "greeter",
    )
)
"""Names of the platform's own topics, services and steps."""

STEP = '''"""{title}: answers ``!{name}`` in chat."""

from bitbrat import Context, Envelope, Handled, Outcome, Service, Skip

service = Service("{name}")


@service.step("internal.{name}.v1")
async def {function}(envelope: Envelope, ctx: Context) -> Outcome:
    """Answer whoever said ``!{name}``; leave every other message alone."""
    text = envelope.payload.get("text", "")
    if text.split(" ")[0] != "!{name}":
        return Skip("not for me")
    return Handled(reply=f"Hello, {{envelope.user.display_name}}!")
'''

TEST = '''"""What {name} promises."""

from bitbrat.testing import an_envelope, deliver
from {module} import service


async def test_{function}_is_handled() -> None:
    """``!{name}`` is answered, and the steps after it do not run."""
    sent = await deliver(service, an_envelope(text="!{name}", slip=["{name}", "later"]))

    assert sent.topic == "internal.egress.v1"
    assert sent.envelope.replies[0].text == "Hello, An Admin User!"
    assert [step.status for step in sent.envelope.routing_slip] == ["OK", "SKIP"]


async def test_another_message_is_left_alone() -> None:
    """What is not for {name} goes on to the next step."""
    sent = await deliver(service, an_envelope(text="good evening", slip=["{name}", "later"]))

    assert sent.topic == "internal.later.v1"
'''

README = """# {name}

Answers `!{name}` in chat.

| | |
|---|---|
| consumes | `internal.{name}.v1` (step `{name}`) |
| publishes | nothing by itself: it returns an outcome, the slip decides |
| effects | `recorded` |
| settings | none |
"""

RULE = """- id: {name}
  match: {{command: "!{name}"}}
  slip: [{name}]"""


@click.group()
def new() -> None:
    """Write something new, with a passing test."""


@new.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print the paths as JSON.")
def step(name: str, as_json: bool) -> None:
    """Write steps/NAME.py and its test. NAME is lower case letters, digits and dashes. Nothing is overwritten."""
    words = _words(name)
    module = words["function"]
    files = {Path("steps") / f"{module}.py": STEP, Path("tests") / f"test_{module}.py": TEST}
    _write(files, {**words, "module": f"steps.{module}"}, as_json)


@new.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print the paths as JSON.")
def service(name: str, as_json: bool) -> None:
    """Write a service in a folder of its own (below services/ in a checkout of BitBrat), with README and test."""
    words = _words(name)
    module = words["function"]
    inside = Path("services/__init__.py").exists()
    folder = Path("services") / module if inside else Path(module)
    tests = Path("tests/services") if inside else Path("tests")
    files = {folder / "__init__.py": STEP, folder / "README.md": README, tests / f"test_{module}.py": TEST}
    _write(files, {**words, "module": ".".join(folder.parts)}, as_json)


def _words(name: str) -> dict[str, str]:
    if _NAME.match(name) is None or len(name) > 40:
        raise click.UsageError(f"{name!r} is not a name: lower case letters, digits and single dashes, 40 at most")
    if name in TAKEN:
        raise click.UsageError(f"{name!r} is the platform's own; choose another name")
    function = name.replace("-", "_")
    if not function.isidentifier() or function in _keywords():
        raise click.UsageError(f"{name!r} means something to Python; choose another name")
    return {"name": name, "title": name.replace("-", " ").capitalize(), "function": function}


def _keywords() -> frozenset[str]:
    import keyword

    return frozenset((*keyword.kwlist, "service"))


def _write(files: dict[Path, str], words: dict[str, str], as_json: bool) -> None:
    """All of them, or none when one is there already."""
    there = [path for path in files if path.exists()]
    if there:
        raise BitBratError(
            "cli.exists", f"{there[0]} exists already", why="nothing is overwritten", fix="choose another name, or remove the file"
        )
    made = dict(files)
    if not any(Path(name).exists() for name in _CONFIGURATION):
        made[Path("pytest.ini")] = "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\npythonpath = .\n"
    for path, text in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text if path.name == "pytest.ini" else text.format(**words), encoding="utf-8")
    if as_json:
        print_json([str(path) for path in made])
        return
    click.echo("\n".join(f"wrote {path}" for path in made))
    test = next(path for path in made if path.name.startswith("test_"))
    dev = f'bitbrat dev, then: bitbrat say "!{words["name"]}"'
    run = f"bitbrat run {words['module']}, beside the core services (bitbrat dev runs those and ./steps only)"
    click.echo(f"Next   python -m pytest {test}\n       {dev if words['module'].startswith('steps.') else run}")
    click.echo(
        "       where there are rules, add one (rules/…yaml):\n"
        + "\n".join(f"         {line}" for line in RULE.format(**words).splitlines())
    )

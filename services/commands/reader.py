"""Reads commands from YAML: every problem is named at once, with line and column."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bitbrat.connectors.text import normalise
from bitbrat.rules import Cooldown, template_problems
from bitbrat.rules.domain import LADDER
from bitbrat.rules.effects import read_cooldown
from bitbrat.rules.fields import Fields
from bitbrat.rules.problems import Mark, Sink, refuse, shown
from bitbrat.rules.yaml_source import Map, Seq, read_yaml

MAX_COMMANDS = 1_000
MAX_ALIASES = 20
MAX_REPLIES = 100
NO_REST = Cooldown()
VARIABLES = ("commands", "uptime")
"""What a command's reply may use besides the variables of all templates."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command: what it is called (without the prefix), who may use it, how long it rests, and what it says."""

    name: str
    replies: tuple[str, ...]
    aliases: tuple[str, ...] = ()
    role: str = "viewer"
    permission: str = ""
    cooldown: Cooldown = NO_REST
    hidden: bool = False


def read_commands(files: Mapping[str, str | bytes]) -> dict[str, Command]:
    """Commands by every word that calls them, in the order of ``files``: a later file replaces commands of the same name.

    Raises :class:`bitbrat.errors.RulesError` with every problem in every file.
    """
    found: dict[str, Command] = {}
    problems = []
    for file, text in files.items():
        sink = Sink(file)
        commands = _file(text, sink)
        problems += sink.problems
        replaced = {command.name for command in commands}
        found = {word: command for word, command in found.items() if command.name not in replaced}
        found |= _by_word(commands)
    refuse(problems)
    return found


def _file(text: str | bytes, sink: Sink) -> list[Command]:
    read = read_yaml(text, sink)
    if read is None:
        return []
    data, mark = read
    if not isinstance(data, Seq):
        sink.add("rules.bad_rule", f'a commands file is a list of commands, each beginning with "- name:", not {shown(data)}', mark)
        return []
    if len(data) > MAX_COMMANDS:
        sink.add("rules.bad_rule", f"{len(data)} commands; the limit is {MAX_COMMANDS}", mark)
    words: dict[str, str] = {}
    commands = [_command(entry, at, sink, words) for entry, at in zip(data[:MAX_COMMANDS], data.marks, strict=False)]
    return [command for command in commands if command is not None]


def _command(entry: object, mark: Mark, sink: Sink, words: dict[str, str]) -> Command | None:
    if not isinstance(entry, Map):
        sink.add("rules.bad_rule", f"a command is an object with name and reply, not {shown(entry)}", mark)
        return None
    fields = Fields(entry, sink, "command")
    sink.rule = fields.text("name", limit=50)
    name = _word(sink.rule, mark, sink, words)
    command = Command(
        name=name,
        replies=_replies(fields, mark, sink),
        aliases=tuple(_word(alias, mark, sink, words) for alias in fields.texts("aliases", MAX_ALIASES)),
        role=fields.word("role", tuple(role for own in LADDER for role in (own, f">={own}")), "viewer").removeprefix(">="),
        permission=fields.text("permission", limit=100),
        cooldown=read_cooldown(fields, sink) or NO_REST,
        hidden=fields.flag("hidden", False) is True,
    )
    fields.text("description")
    fields.done()
    return command


def _word(text: str, mark: Mark, sink: Sink, words: dict[str, str]) -> str:
    """A word that calls a command, as it is compared."""
    word = normalise(text)
    if not word or any(character.isspace() for character in word):
        sink.add("rules.bad_rule", f"command: {shown(text)} is not a word", mark)
    elif word in words:
        sink.add("rules.duplicate_id", f"command: the word {word!r} calls {words[word]!r} already", mark)
    words.setdefault(word, sink.rule)
    return word


def _replies(fields: Fields, mark: Mark, sink: Sink) -> tuple[str, ...]:
    replies = fields.texts("reply", MAX_REPLIES)
    if not any(reply.strip() for reply in replies):
        sink.add("rules.bad_rule", "command: reply is missing, or says nothing", mark)
    for reply in replies:
        for problem in template_problems(reply, VARIABLES):
            sink.add("rules.unknown_variable" if "no variable" in problem else "rules.bad_rule", f"command: reply: {problem}", mark)
    return replies


def _by_word(commands: Iterable[Command]) -> dict[str, Command]:
    return {word: command for command in commands for word in (command.name, *command.aliases)}

"""What is wrong with the settings: all of it, by name, never by value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bitbrat.errors import ConfigError


@dataclass(frozen=True)
class Wrong:
    """One setting that is missing, bad or unknown; ``name`` is the environment variable's."""

    code: str
    name: str
    message: str

    def __str__(self) -> str:
        return f"{self.code}  {self.name} {self.message}"


class SettingsError(ConfigError):
    """The settings were refused. ``problems`` holds every one of them; the first one's code is the error's."""

    def __init__(self, problems: Sequence[Wrong]) -> None:
        listed = "".join(f"\n  {problem}" for problem in problems)
        count = "1 setting is" if len(problems) == 1 else f"{len(problems)} settings are"
        super().__init__(problems[0].code, f"{count} wrong:{listed}")
        self.problems = tuple(problems)

"""The table of settings, for the documentation: made from the classes, so that it cannot drift."""

from __future__ import annotations

import json
from collections.abc import Iterable

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from bitbrat.config.naming import Setting, settings_of, words_for

HEAD = "| Variable | Type | Default | What it is |\n|---|---|---|---|\n"


def settings_table(classes: Iterable[type[BaseModel]]) -> str:
    """A Markdown table with a row for each variable that ``classes`` read, in the order of their fields."""
    return HEAD + "".join(f"{_row(setting)}\n" for settings in classes for setting in settings_of(settings) if not _parent(setting))


def _parent(setting: Setting) -> bool:
    """Whether the setting is a model whose own fields have rows of their own."""
    return any(isinstance(kind, type) and issubclass(kind, BaseModel) for kind in setting.kinds)


def _row(setting: Setting) -> str:
    cells = (f"`{setting.name}`", words_for(setting), _default(setting), setting.field.description or "")
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def _default(setting: Setting) -> str:
    default = setting.field.get_default(call_default_factory=True, validated_data={})
    if default is PydanticUndefined:
        return "*required*"
    if default in (None, "", (), [], {}) or setting.secret:
        return ""
    if isinstance(default, tuple | list | set | frozenset):
        return f"`{','.join(str(item) for item in default)}`"
    return f"`{json.dumps(default) if isinstance(default, dict | bool) else default}`"

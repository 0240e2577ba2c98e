"""From settings classes to the names of environment variables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretBytes, SecretStr
from pydantic.fields import FieldInfo

DELIMITER = "__"


@dataclass(frozen=True)
class Setting:
    """One environment variable: its name, the field it fills, the class that has the field."""

    name: str
    field: FieldInfo
    owner: type[BaseModel]

    @property
    def kinds(self) -> tuple[Any, ...]:
        """The types it may have, without None."""
        return kinds_of(self.field.annotation)

    @property
    def secret(self) -> bool:
        """Whether its value must never be shown."""
        return any(kind in (SecretStr, SecretBytes) for kind in self.kinds)

    @property
    def numeric(self) -> bool:
        """Whether it is a plain number."""
        return bool(self.kinds) and all(kind in (int, float) for kind in self.kinds)

    @property
    def open_ended(self) -> bool:
        """Whether it is a mapping, so that names below it are the user's."""
        return any(get_origin(kind) in (dict, Mapping) or kind is dict for kind in self.kinds)


def kinds_of(annotation: Any) -> tuple[Any, ...]:
    """The members of a union without None, and without what ``Annotated`` adds; a single type as a tuple of one."""
    if hasattr(annotation, "__metadata__"):
        return kinds_of(annotation.__origin__)
    if get_origin(annotation) in (Union, UnionType):
        return tuple(kind for member in get_args(annotation) for kind in kinds_of(member) if kind is not type(None))
    return () if annotation is None else (annotation,)


def prefix_of(settings: type[BaseModel]) -> str:
    """What the names of this class begin with."""
    return str(settings.model_config.get("env_prefix", "")).upper()


def settings_of(settings: type[BaseModel], prefix: str | None = None) -> Iterator[Setting]:
    """Every variable that fills a field of ``settings``, those of nested models included."""
    start = prefix_of(settings) if prefix is None else prefix
    for field_name, field in settings.model_fields.items():
        setting = Setting(f"{start}{field_name}".upper(), field, settings)
        yield setting
        for kind in setting.kinds:
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from settings_of(kind, f"{setting.name}{DELIMITER}")


def name_at(settings: type[BaseModel], location: Sequence[str | int]) -> str:
    """The variable that pydantic means by ``location``; for one about the whole class, its prefix and a star."""
    parts = [str(part).upper() for part in location]
    return prefix_of(settings) + DELIMITER.join(parts) if parts else f"{prefix_of(settings)}*"


def words_for(setting: Setting) -> str:
    """The type of a setting in a user's words."""
    words = {str: "text", int: "whole number", float: "number", bool: "yes or no", SecretStr: "secret"}
    return " or ".join(dict.fromkeys(_word(kind, words) for kind in setting.kinds)) or "text"


def _word(kind: Any, words: Mapping[Any, str]) -> str:
    if get_origin(kind) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(kind))
    if get_origin(kind) in (list, tuple, set, frozenset, Sequence):
        return "list, separated by commas"
    return words.get(kind, "JSON object" if get_origin(kind) is dict else getattr(kind, "__name__", "text"))

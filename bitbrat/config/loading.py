"""Reading the settings of a process: typed instances, or every problem at once."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings

from bitbrat.config.naming import Setting, name_at, settings_of
from bitbrat.config.problems import SettingsError, Wrong
from bitbrat.config.values import FILE, MappingSource, unusable, with_files
from bitbrat.errors import ConfigError

S = TypeVar("S", bound=BaseSettings)

PREFIX = "BITBRAT_"
INTERNAL = ("BITBRAT_TEST_", "BITBRAT_CORPUS", "BITBRAT_CRASH_AT")
"""Names that tests and tools use; they are nobody's settings."""


def load(
    classes: Sequence[type[S]],
    environ: Mapping[str, str],
    *,
    required: Collection[str] = (),
    others: Iterable[type[BaseModel]] = (),
) -> list[S]:
    """An instance of each of ``classes``, from ``environ``, in their order.

    ``required`` names variables that must be there although their field has a default. ``others`` are classes of services
    that run elsewhere: their names are known, their values are not looked at. Raises :class:`SettingsError` (a
    ``ConfigError``) with every problem of all of them: ``config.missing``, ``config.bad``, ``config.unknown``. No value is
    ever part of it.
    """
    problems: list[Wrong] = []
    known = {setting.name: setting for settings in classes for setting in settings_of(settings)}
    foreign = {setting.name: setting for settings in others for setting in settings_of(settings)}
    problems += unknown_names(environ, {**foreign, **known})
    values, failed = with_files(_ours(environ, known), known, problems.append)
    problems += [_missing(known.get(name), name) for name in required if name not in values and name not in failed]
    instances = [_instance(settings, values, problems, set(failed)) for settings in classes]
    if problems:
        raise SettingsError(sorted(dict.fromkeys(problems), key=lambda problem: (problem.code != "config.missing", problem.name)))
    return [instance for instance in instances if instance is not None]


def unknown_names(environ: Mapping[str, str], known: Mapping[str, Setting]) -> list[Wrong]:
    """A problem for each ``BITBRAT_*`` name that fills no setting, with the nearest one that would."""
    return [_unknown(name, known) for name in sorted(environ) if not _fills(name, known) and name.startswith(PREFIX)]


def _fills(name: str, known: Mapping[str, Setting]) -> bool:
    if name in known or name.removesuffix(FILE) in known or name.startswith(INTERNAL):
        return True
    return any(setting.open_ended and name.startswith(f"{setting.name}__") for setting in known.values())


def _unknown(name: str, known: Mapping[str, Setting]) -> Wrong:
    near = difflib.get_close_matches(name.removesuffix(FILE), known, n=1, cutoff=0.6)
    return Wrong("config.unknown", name, f"is no setting; did you mean {near[0]}?" if near else "is no setting")


def _ours(environ: Mapping[str, str], known: Mapping[str, Setting]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if _fills(name, known)}


def _missing(setting: Setting | None, name: str) -> Wrong:
    told = setting.field.description if setting is not None else None
    return Wrong("config.missing", name, f"is missing. {told}" if told else "is missing")


def _instance(settings: type[S], values: Mapping[str, str], problems: list[Wrong], bad: set[str]) -> S | None:
    """The instance, or None after its problems were added. ``bad`` are names about which enough is said already."""
    fields, usable = {setting.name: setting for setting in settings_of(settings)}, dict(values)
    for name, setting in fields.items():
        if name in values and (reason := unusable(setting, values[name])):
            problems.append(Wrong("config.bad", name, reason))
            bad.add(name)
            del usable[name]
    raw = _raw(settings, usable, problems, bad)
    try:
        return settings.model_validate(raw)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False, include_context=False)
        problems += [_told(settings, detail, fields) for detail in details if name_at(settings, detail["loc"]) not in bad]
    except ConfigError as error:
        problems.append(Wrong(error.code, name_at(settings, ()), error.message))
    return None


def _raw(settings: type[S], values: Mapping[str, str], problems: list[Wrong], bad: set[str]) -> dict[str, Any]:
    source, raw = MappingSource(settings, values), dict[str, Any]()
    for field in settings.model_fields:
        try:
            value = source.field(field)
        except ValueError:
            name = name_at(settings, (field,))
            bad.add(name)
            problems.append(Wrong("config.bad", name, "is not JSON, and not a list with commas"))
        else:
            if value is not None:
                raw[field] = value
    return raw


def _told(settings: type[BaseModel], detail: ErrorDetails, fields: Mapping[str, Setting]) -> Wrong:
    """What pydantic found, in our words and by the variable's name."""
    name = _nearest(name_at(settings, detail["loc"]), fields)
    setting = fields.get(name)
    if detail["type"] == "missing":
        return _missing(setting, name_at(settings, detail["loc"]))
    if setting is not None and setting.secret and detail["type"] != "value_error":
        return Wrong("config.bad", name, "has a value that cannot be used")
    text = detail["msg"].removeprefix("Value error, ").replace("Input should", "must")
    return Wrong("config.bad", name, text if text.startswith("must") else f"is refused: {text}")


def _nearest(name: str, fields: Mapping[str, Setting]) -> str:
    """The variable that ``name`` belongs to: an item of a list is named after the list, a union's branch after its field."""
    while name not in fields and "__" in name and not name.endswith("*"):
        shorter = name.rpartition("__")[0]
        if not any(field.startswith(shorter) for field in fields):
            break
        name = shorter
    return name

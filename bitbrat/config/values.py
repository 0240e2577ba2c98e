"""Raw values from the environment: those that are there, those from files, those that cannot be used."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jiter
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource

from bitbrat.config.naming import Setting
from bitbrat.config.problems import Wrong

FILE = "_FILE"
MAX_FILE_BYTES = 64 * 1024
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")

Report = Callable[[Wrong], None]


def with_files(environ: Mapping[str, str], known: Mapping[str, Setting], report: Report) -> tuple[dict[str, str], set[str]]:
    """``environ`` with what ``<NAME>_FILE`` points to under ``<NAME>``, and the names whose files were reported."""
    values, failed = dict(environ), set[str]()
    for name, path in environ.items():
        target = name.removesuffix(FILE)
        if name.startswith("BITBRAT_") and target != name and name not in known:
            del values[name]
            if target in environ:
                report(Wrong("config.bad", name, f"and {target} are both set; keep one"))
            elif (content := _read(name, path, report)) is not None:
                values[target] = content
            else:
                failed.add(target)
    return values, failed


def _read(name: str, path: str, report: Report) -> str | None:
    """The file's text without the line end that editors put there. Problems name the file, never what is in it."""
    # A path that looks like none may be the secret itself, put into the wrong variable.
    shown = path if "/" in path or path.startswith(".") else "that it names"
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
        text = data.decode("utf-8")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        report(Wrong("config.bad", name, f"cannot be used: the file {shown} cannot be read ({reason})"))
        return None
    if len(data) > MAX_FILE_BYTES:
        report(Wrong("config.bad", name, f"cannot be used: the file {shown} has more than {MAX_FILE_BYTES} bytes"))
        return None
    return text.removesuffix("\n").removesuffix("\r")


def unusable(setting: Setting, value: str) -> str | None:
    """Why ``value`` cannot be meant, before its type is looked at; None when it may be."""
    if not value.strip():
        return "is empty; remove it or give it a value" if not value else "has nothing but spaces in it"
    if setting.numeric and not _NUMBER.fullmatch(value):
        return "must be a plain number: digits, no exponent, no separators"
    return None


class MappingSource(EnvSettingsSource):
    """pydantic-settings' reading of the environment, from a mapping. A list may be written ``a,b,c``."""

    def __init__(self, settings: type[BaseSettings], environ: Mapping[str, str]) -> None:
        self._mapping = {name.lower(): value for name, value in environ.items()}
        super().__init__(settings)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return self._mapping

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:  # noqa: ARG002 - the library's signature
        """JSON where it begins like JSON, else items between commas."""
        text = value.decode() if isinstance(value, bytes) else str(value)
        if text.lstrip().startswith(("[", "{")):
            return jiter.from_json(text.encode(), catch_duplicate_keys=True)
        return [item.strip() for item in text.split(",") if item.strip()]

    def field(self, name: str) -> Any:
        """The value for the field ``name``; None when there is none. Raises ``ValueError`` when it cannot be read."""
        field = self.settings_cls.model_fields[name]
        value, key, is_complex = self.get_field_value(field, name)
        return self.prepare_field_value(key, field, value, is_complex)

"""The settings of the commands step."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from bitbrat.config import ServiceSettings


class CommandsSettings(ServiceSettings):
    """``BITBRAT_COMMANDS__…``."""

    model_config = SettingsConfigDict(env_prefix="BITBRAT_COMMANDS__")

    path: str = Field("", description="A YAML file with commands; they are added to the built-in ones, and replace those of the same name.")
    prefix: str = Field("!", min_length=1, max_length=8, description="What a command begins with.")
    builtin: bool = Field(True, description="Whether the built-in commands are there (`!commands`, `!uptime`, `!dice`).")

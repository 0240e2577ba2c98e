"""The settings of the router."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from bitbrat.config import ServiceSettings

DEFAULT_RULES = "rules"


class RouterSettings(ServiceSettings):
    """``BITBRAT_ROUTER__…``; lists are JSON."""

    model_config = SettingsConfigDict(env_prefix="BITBRAT_ROUTER__")

    rules: str = Field(DEFAULT_RULES, description="Where the rules are: YAML files, or folders of them, separated by commas.")
    default_slip: tuple[str, ...] = Field((), description="The steps of a message that no rule matches; none: it simply completes.")
    reload_seconds: float = Field(1.0, gt=0, description="Seconds between two looks at the rules' files.")
    strict_steps: bool | None = Field(
        None,
        description="Whether a rule may only name steps that this process knows; unset: yes where the bus is this process's own.",
    )

"""The settings of the finalizer."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from bitbrat.config import ServiceSettings


class FinalizerSettings(ServiceSettings):
    """``BITBRAT_FINALIZER__…``."""

    model_config = SettingsConfigDict(env_prefix="BITBRAT_FINALIZER__")

    pending_seconds: float = Field(3600.0, gt=0, description="Seconds after which a reply or a replay that never ended is given up.")
    sweep_seconds: float = Field(5.0, gt=0, description="Seconds between two looks at what is still open.")

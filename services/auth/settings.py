"""The settings of auth."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from bitbrat.config import ServiceSettings


class AuthSettings(ServiceSettings):
    """``BITBRAT_AUTH__…``; maps and lists are JSON."""

    model_config = SettingsConfigDict(env_prefix="BITBRAT_AUTH__")

    session_gap: float = Field(86_400.0, gt=0, description="Seconds of silence after which a user's next message begins a new session.")
    permissions: dict[str, tuple[str, ...]] = Field(
        default={"moderator": ("commands.moderate",), "broadcaster": ("commands.manage",)},
        description="Permissions by role. A role of chat has those of the roles below it too.",
    )
    banned: tuple[str, ...] = Field((), description="Users who are not heard, each as `<platform>:<user id>`.")
    tenants: dict[str, str] = Field(
        default={}, description="Tenant by connection name; a connection that is not listed has the default tenant."
    )

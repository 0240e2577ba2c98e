"""The base of every settings class."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from bitbrat.config.urls import parse_dsn
from bitbrat.errors import ConfigError


class ServiceSettings(BaseSettings):
    """Typed settings of a service. A subclass names its prefix: ``SettingsConfigDict(env_prefix="BITBRAT_QUEST__")``.

    A field ``limit`` is read from ``BITBRAT_QUEST__LIMIT``, or from the file that ``BITBRAT_QUEST__LIMIT_FILE`` names.
    Give every field a description: the documentation is made of them. Making an instance by hand never looks at the
    environment; :func:`bitbrat.config.load` does.
    """

    model_config = SettingsConfigDict(env_nested_delimiter="__", extra="forbid", frozen=True, hide_input_in_errors=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the library gives all of them by name
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what the constructor is given: what a test or another process has in its environment plays no part."""
        return (init_settings,)


def settings_class(service: str, settings: type | None) -> type[ServiceSettings] | None:
    """The settings class of ``service`` as it is read: a class that names no prefix gets ``BITBRAT_<SERVICE>__``.

    A plain pydantic model will do as well. Raises ``config.bad`` for what is no model.
    """
    if settings is None or (issubclass(settings, ServiceSettings) and settings.model_config.get("env_prefix")):
        return settings
    if not issubclass(settings, BaseModel):
        raise ConfigError(
            "config.bad", f"the settings of {service} are no pydantic model", fix="derive them from pydantic_settings.BaseSettings"
        )
    prefix = settings.model_config.get("env_prefix") or f"BITBRAT_{service.upper().replace('-', '_')}__"
    bases = (settings,) if issubclass(settings, ServiceSettings) else (settings, ServiceSettings)
    own = {"__module__": settings.__module__, "__doc__": settings.__doc__, "model_config": SettingsConfigDict(env_prefix=str(prefix))}
    return type(settings.__name__, bases, own)


def _checked(value: SecretStr) -> SecretStr:
    try:
        parse_dsn(value.get_secret_value())
    except ConfigError as error:
        raise ValueError(error.message) from None
    return value


Dsn = Annotated[SecretStr, AfterValidator(_checked)]
"""A URL that may hold a password: shown nowhere, refused when it cannot be taken apart."""

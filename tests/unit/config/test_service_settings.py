"""The settings class of a service, as its author writes it."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from bitbrat import Service
from bitbrat.config import ServiceSettings, SettingsError
from bitbrat.errors import ConfigError
from bitbrat.host.host import read_settings


class PlainModel(BaseModel):
    """Settings as a pydantic model."""

    greeting: str
    limit: int = 3


class PlainSettings(BaseSettings):
    """Settings as a class of pydantic-settings."""

    greeting: str
    limit: int = 3


class OurSettings(ServiceSettings):
    """Settings on our own base, without a prefix."""

    greeting: str
    limit: int = 3


class NamedSettings(BaseSettings):
    """Settings that name a prefix."""

    model_config = SettingsConfigDict(env_prefix="QUEST_")

    token: SecretStr


@pytest.mark.parametrize("kind", [PlainModel, PlainSettings, OurSettings])
def test_a_class_without_a_prefix_is_read_under_the_services_name(kind):
    """``Service("side-quest", settings=…)`` reads ``BITBRAT_SIDE_QUEST__…``."""
    service = Service("side-quest", settings=kind)

    _, found = read_settings([service], {"BITBRAT_SIDE_QUEST__GREETING": "hi", "BITBRAT_SIDE_QUEST__LIMIT": "7"})

    assert (found["side-quest"].greeting, found["side-quest"].limit) == ("hi", 7)
    assert isinstance(found["side-quest"], kind)


@pytest.mark.parametrize("kind", [PlainModel, PlainSettings, OurSettings])
def test_what_is_missing_is_named_as_it_must_be_set(kind):
    """All of it in one message, core settings included."""
    with pytest.raises(SettingsError) as refused:
        read_settings([Service("quest", settings=kind)], {"BITBRAT_QUEST__LIMIT": "x"}, required=("BITBRAT_BUS",))

    assert {(wrong.code, wrong.name) for wrong in refused.value.problems} == {
        ("config.missing", "BITBRAT_BUS"),
        ("config.missing", "BITBRAT_QUEST__GREETING"),
        ("config.bad", "BITBRAT_QUEST__LIMIT"),
    }


def test_a_prefix_of_ones_own_is_kept():
    """It need not begin with ours."""
    service = Service("quest", settings=NamedSettings)

    assert read_settings([service], {"QUEST_TOKEN": "kanarie"})[1]["quest"].token.get_secret_value() == "kanarie"
    assert service.manifest().settings == ("QUEST_TOKEN",)


def test_settings_that_are_no_model_are_refused():
    """Where the service is made, not when it starts."""
    with pytest.raises(ConfigError, match="no pydantic model"):
        Service("quest", settings=dict)


def test_the_processes_of_a_deployment_may_share_one_environment():
    """A setting of a core service that runs elsewhere is known; one that nobody has is not."""
    shared = {"BITBRAT_ROUTER__RULES": "rules", "BITBRAT_TWITCH__IRC_URL": ""}

    assert read_settings([Service("quest")], shared)
    with pytest.raises(SettingsError, match="did you mean BITBRAT_ROUTER__RULES"):
        read_settings([Service("quest")], {**shared, "BITBRAT_ROUTER__RULE": "rules"})

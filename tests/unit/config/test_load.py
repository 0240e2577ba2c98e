"""Settings are typed, read from a mapping, and come from files where asked."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from pydantic import BaseModel, Field, SecretStr
from pydantic_settings import SettingsConfigDict

from bitbrat.config import CoreSettings, ServiceSettings, SettingsError, load, settings_table


class Account(BaseModel):
    """A nested model."""

    name: str = Field(description="The account.")
    token: SecretStr | None = Field(None, description="Its token.")


class QuestSettings(ServiceSettings):
    """Settings of an example service."""

    model_config = SettingsConfigDict(env_prefix="BITBRAT_QUEST__")

    limit: int = Field(3, ge=1, le=10, description="How many.")
    pace: float = Field(1.5, gt=0, description="Seconds between two | three.")
    mode: Literal["easy", "hard"] = Field("easy", description="How hard.")
    channels: tuple[str, ...] = Field((), description="Where.")
    token: SecretStr = Field(description="Who we are.")
    bot: Account | None = Field(None, description="The bot.")
    others: dict[str, Account] = Field(default_factory=dict, description="More accounts.")


def quest(**environ: str) -> QuestSettings:
    """The settings from ``BITBRAT_QUEST__…`` variables, with a token unless one is given."""
    named = {f"BITBRAT_QUEST__{name}": value for name, value in environ.items()}
    return load([QuestSettings], {"BITBRAT_QUEST__TOKEN": "kanarienvogel", **named})[0]


def test_defaults_hold_where_the_environment_is_silent() -> None:
    """Core services need no setting but bus and store."""
    core = load([CoreSettings], {"PATH": "/bin"})[0]

    assert (core.http_port, core.log_format, core.bus) == (2728, "auto", None)


def test_values_have_their_types() -> None:
    """Numbers are numbers, choices are choices, secrets do not print themselves."""
    settings = quest(LIMIT="7", PACE="0.25", MODE="hard")

    assert (settings.limit, settings.pace, settings.mode) == (7, 0.25, "hard")
    assert settings.token.get_secret_value() == "kanarienvogel"
    assert "kanarienvogel" not in repr(settings)


@pytest.mark.parametrize("text", ["a,b", " a , b ,", '["a","b"]'])
def test_a_list_is_written_with_commas_or_as_json(text: str) -> None:
    """People write commas, machines write JSON."""
    assert quest(CHANNELS=text).channels == ("a", "b")


def test_two_underscores_reach_into_a_nested_model() -> None:
    """``…__BOT__NAME`` is the field ``name`` of ``bot``; under a mapping the names are the user's own."""
    settings = quest(BOT__NAME="brat", BOT__TOKEN="tschilp", OTHERS__MAIN__NAME="ann")

    assert settings.bot is not None
    assert settings.bot.name == "brat"
    assert settings.others["main"].name == "ann"


def test_the_environment_of_the_process_plays_no_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not in the mapping is not read, and an instance made by hand holds what it was given."""
    monkeypatch.setenv("BITBRAT_QUEST__LIMIT", "9")

    assert quest().limit == 3
    assert QuestSettings(token=SecretStr("x")).limit == 3


def test_a_setting_can_come_from_a_file(tmp_path: Path) -> None:
    """``<NAME>_FILE`` names the file; one line end at its end is the editor's, a second one is meant."""
    file = tmp_path / "token"
    file.write_bytes(b"kanarie\n")
    twice = tmp_path / "twice"
    twice.write_bytes(b"kanarie\n\n")

    assert load([QuestSettings], {"BITBRAT_QUEST__TOKEN_FILE": str(file)})[0].token.get_secret_value() == "kanarie"
    assert load([QuestSettings], {"BITBRAT_QUEST__TOKEN_FILE": str(twice)})[0].token.get_secret_value() == "kanarie\n"


def test_several_classes_are_read_together_in_their_order() -> None:
    """One process, several services, one call."""
    core, settings = load([CoreSettings, QuestSettings], {"BITBRAT_HTTP_PORT": "0", "BITBRAT_QUEST__TOKEN": "kanarie"})

    assert isinstance(core, CoreSettings)
    assert isinstance(settings, QuestSettings)


def test_names_of_services_that_run_elsewhere_are_known() -> None:
    """One environment file may serve several processes."""
    environ = {"BITBRAT_QUEST__LIMIT": "3"}

    assert load([CoreSettings], environ, others=[QuestSettings])
    with pytest.raises(SettingsError, match="BITBRAT_QUEST__LIMIT is no setting"):
        load([CoreSettings], environ)


def test_names_of_tests_are_nobodys_settings() -> None:
    """A developer's test variables do not stop the program."""
    assert load([CoreSettings], {"BITBRAT_TEST_REQUIRE": "all", "BITBRAT_CORPUS": "/x"})


def test_what_run_needs_is_asked_for_by_name() -> None:
    """Bus and store have no default in production, and the message says what they are."""
    with pytest.raises(SettingsError) as refused:
        load([CoreSettings], {}, required=["BITBRAT_BUS", "BITBRAT_STORE"])

    assert [(problem.code, problem.name) for problem in refused.value.problems] == [
        ("config.missing", "BITBRAT_BUS"),
        ("config.missing", "BITBRAT_STORE"),
    ]
    assert "memory://" in str(refused.value)


def test_the_table_has_a_row_for_each_variable() -> None:
    """Documentation is made from the classes: name, type, default, description."""
    table = settings_table([QuestSettings])

    assert "| `BITBRAT_QUEST__LIMIT` | whole number | `3` | How many. |" in table
    assert "| `BITBRAT_QUEST__TOKEN` | secret | *required* | Who we are. |" in table
    assert "| `BITBRAT_QUEST__BOT__NAME` | text | *required* | The account. |" in table
    assert "two \\| three" in table


def test_every_core_setting_says_what_it_is() -> None:
    """A setting without a description is a row without a meaning."""
    assert all(field.description for field in CoreSettings.model_fields.values())

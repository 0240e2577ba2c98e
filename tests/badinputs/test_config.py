"""Rows 86 and 87: the environment. Everything that is wrong is named at once, and no value is ever shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from bitbrat.config import CoreSettings, Dsn, ServiceSettings, SettingsError, load

CANARY = "kanarienvogel"


class ShopSettings(ServiceSettings):
    """An example: something of each kind."""

    model_config = SettingsConfigDict(env_prefix="BITBRAT_SHOP__")

    token: SecretStr = Field(description="Who we are.")
    database: Dsn = Field(SecretStr("postgresql://localhost/shop"), description="Where the wares are.")
    stock: int = Field(0, ge=0, description="How many.")
    pace: float = Field(1.0, gt=0, description="Seconds.")
    open: bool = Field(True, description="Whether it is.")
    names: tuple[str, ...] = Field((), description="A list.")


GOOD = {"BITBRAT_SHOP__TOKEN": CANARY}

ROW_86 = {
    "missing": ({"BITBRAT_SHOP__TOKEN": None}, "config.missing", "BITBRAT_SHOP__TOKEN"),
    "empty": ({"BITBRAT_HTTP_PORT": ""}, "config.bad", "BITBRAT_HTTP_PORT"),
    "empty-secret": ({"BITBRAT_SHOP__TOKEN": ""}, "config.bad", "BITBRAT_SHOP__TOKEN"),
    "space": ({"BITBRAT_TOPIC_PREFIX": " "}, "config.bad", "BITBRAT_TOPIC_PREFIX"),
    "space-text": ({"BITBRAT_HTTP_HOST": " \t"}, "config.bad", "BITBRAT_HTTP_HOST"),
    "type": ({"BITBRAT_HTTP_PORT": CANARY}, "config.bad", "BITBRAT_HTTP_PORT"),
    "type-bool": ({"BITBRAT_SHOP__OPEN": "perhaps"}, "config.bad", "BITBRAT_SHOP__OPEN"),
    "type-choice": ({"BITBRAT_LOG_LEVEL": "loud"}, "config.bad", "BITBRAT_LOG_LEVEL"),
    "type-fraction": ({"BITBRAT_HTTP_PORT": "80.5"}, "config.bad", "BITBRAT_HTTP_PORT"),
    "type-list": ({"BITBRAT_SHOP__NAMES": '["a",'}, "config.bad", "BITBRAT_SHOP__NAMES"),
    "negative": ({"BITBRAT_SHOP__STOCK": "-1"}, "config.bad", "BITBRAT_SHOP__STOCK"),
    "negative-float": ({"BITBRAT_SHOP__PACE": "-0.5"}, "config.bad", "BITBRAT_SHOP__PACE"),
    "range": ({"BITBRAT_HTTP_PORT": "65536"}, "config.bad", "BITBRAT_HTTP_PORT"),
    "1e9": ({"BITBRAT_SHOP__STOCK": "1e9"}, "config.bad", "BITBRAT_SHOP__STOCK"),
    "1e9-float": ({"BITBRAT_SHOP__PACE": "1e9"}, "config.bad", "BITBRAT_SHOP__PACE"),
    "inf": ({"BITBRAT_SHOP__PACE": "inf"}, "config.bad", "BITBRAT_SHOP__PACE"),
    "underscore": ({"BITBRAT_SHOP__STOCK": "1_000"}, "config.bad", "BITBRAT_SHOP__STOCK"),
    "digits": ({"BITBRAT_SHOP__STOCK": "٣"}, "config.bad", "BITBRAT_SHOP__STOCK"),
    "digits-float": ({"BITBRAT_SHOP__PACE": "１.５"}, "config.bad", "BITBRAT_SHOP__PACE"),
    "unknown": ({"BITBRAT_SHOP__STOK": "1"}, "config.unknown", "BITBRAT_SHOP__STOK"),
    "unknown-far": ({"BITBRAT_ZZZ": CANARY}, "config.unknown", "BITBRAT_ZZZ"),
    "unknown-file": ({"BITBRAT_SHOP__STOK_FILE": "/nowhere"}, "config.unknown", "BITBRAT_SHOP__STOK_FILE"),
}

ROW_87 = {
    "percent": "postgresql://ann:ka%narienvogel@db/shop",
    "percent-end": "postgresql://ann:kanarienvogel%@db/shop",
    "percent-utf8": "postgresql://ann:%ff%fekanarienvogel@db/shop",
    "at": "postgresql://ann:kanarien@vogel@db/shop",
    "colon": "postgresql://ann:kanarien:vogel@db/shop",
    "slash": "postgresql://ann:kanarien/vogel@db/shop",
    "all": "postgresql://ann:kanarienvogel@:/@db/shop",
    "hash": "postgresql://ann:kanarien#vogel@db/shop",
    "question": "postgresql://ann:kanarien?vogel@db/shop",
    "space": "postgresql://ann:kanarien vogel@db/shop",
    "port": "postgresql://ann:kanarienvogel@db:port/shop",
    "no-scheme": "kanarienvogel@db",
}


def refusal(environ: dict[str, str]) -> SettingsError:
    """What ``load`` says about ``environ``."""
    with pytest.raises(SettingsError) as refused:
        load([CoreSettings, ShopSettings], environ)
    return refused.value


@pytest.mark.parametrize(("change", "code", "name"), ROW_86.values(), ids=[f"86-{case}" for case in ROW_86])
def test_a_bad_environment_is_refused_by_name(change: dict[str, str | None], code: str, name: str) -> None:
    """The variable and the code are named; what it held is not."""
    environ = {key: value for key, value in {**GOOD, **change}.items() if value is not None}

    error = refusal(environ)

    assert [(problem.code, problem.name) for problem in error.problems] == [(code, name)]
    assert error.code == code
    assert CANARY not in f"{error} {error.why} {error!r}"


def test_86_all_problems_stand_in_one_message() -> None:
    """Somebody who sets up a service mends everything in one go."""
    wrong = {name: value for change, _, _ in ROW_86.values() for name, value in change.items() if value is not None}
    del wrong["BITBRAT_SHOP__TOKEN"]

    error = refusal(wrong)

    assert {problem.name for problem in error.problems} == {*wrong, "BITBRAT_SHOP__TOKEN"}
    assert all(name in str(error) for name in wrong)


def test_86_an_unknown_name_comes_with_the_nearest_known_one() -> None:
    """Did you mean."""
    assert "did you mean BITBRAT_HTTP_PORT?" in str(refusal({**GOOD, "BITBRAT_HTP_PORT": "1"}))


@pytest.mark.parametrize("url", ROW_87.values(), ids=[f"87-{case}" for case in ROW_87])
def test_a_dsn_that_cannot_be_taken_apart_is_named_and_not_shown(url: str) -> None:
    """Neither the password nor a part of it is in the message."""
    error = refusal({**GOOD, "BITBRAT_SHOP__DATABASE": url})

    assert [(problem.code, problem.name) for problem in error.problems] == [("config.bad", "BITBRAT_SHOP__DATABASE")]
    assert "kanarien" not in f"{error} {error.why} {error!r}"
    assert "vogel" not in str(error)


def test_87_a_store_url_with_such_a_password_is_not_shown_either() -> None:
    """The platform's own settings keep to the same rule."""
    error = refusal({**GOOD, "BITBRAT_STORE": f"postgresql://ann:{CANARY}@:/@db/shop", "BITBRAT_BUS": f"nats://{CANARY}@:/@host"})

    assert {problem.name for problem in error.problems} == {"BITBRAT_STORE", "BITBRAT_BUS"}
    assert CANARY not in str(error)


def test_87_a_secret_file_that_is_missing_is_named(tmp_path: Path) -> None:
    """The variable and the file: that is what has to be mended."""
    file = tmp_path / "token"

    error = refusal({"BITBRAT_SHOP__TOKEN_FILE": str(file)})

    assert [(problem.code, problem.name) for problem in error.problems] == [("config.bad", "BITBRAT_SHOP__TOKEN_FILE")]
    assert str(file) in str(error)


def test_87_a_secret_in_place_of_a_file_name_is_not_shown() -> None:
    """The commonest slip: the token itself in ``…_FILE``."""
    assert CANARY not in str(refusal({"BITBRAT_SHOP__TOKEN_FILE": CANARY}))


@pytest.mark.parametrize("content", [b"\xff\xfe", b"", b"\n", b"x" * 70_000], ids=["87-binary", "87-empty", "87-newline", "87-huge"])
def test_a_secret_file_that_holds_no_secret_is_refused(tmp_path: Path, content: bytes) -> None:
    """Not text, nothing, only a line end, far too much."""
    file = tmp_path / "token"
    file.write_bytes(content)

    error = refusal({"BITBRAT_SHOP__TOKEN_FILE": str(file)})

    assert "BITBRAT_SHOP__TOKEN" in error.problems[0].name


def test_87_a_directory_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    """As a mounted secret that does not exist often is."""
    assert str(tmp_path) in str(refusal({"BITBRAT_SHOP__TOKEN_FILE": str(tmp_path)}))


def test_87_the_line_end_of_a_secret_file_is_no_part_of_the_secret(tmp_path: Path) -> None:
    """Editors put one there."""
    file = tmp_path / "token"
    file.write_text(f"{CANARY}\n")

    settings = load([ShopSettings], {"BITBRAT_SHOP__TOKEN_FILE": str(file)})[0]

    assert settings.token.get_secret_value() == CANARY
    assert CANARY not in repr(settings)


def test_87_a_value_and_a_file_for_one_setting_contradict_each_other(tmp_path: Path) -> None:
    """Neither wins silently."""
    assert "both set" in str(refusal({**GOOD, "BITBRAT_SHOP__TOKEN_FILE": str(tmp_path)}))

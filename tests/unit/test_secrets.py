"""Secrets are taken out of whatever is shown."""

from __future__ import annotations

import io
from base64 import b64encode

import pytest
from pydantic import BaseModel, SecretStr

from bitbrat.secrets import Secrets, is_secret_name, redact
from bitbrat.telemetry.logging import Logs

CANARY = "kanarienvogel-4711"


@pytest.mark.parametrize(
    "text",
    [
        "PASS oauth:abcdef0123",
        "Authorization: Bearer abc.def-ghi",
        "Authorization: Basic YWJjZGVm",
        '{"access_token":"abcdef0123","x":1}',
        "{'client_secret': 'abcdef0123'}",
        "password=abcdef0123 and more",
        "key sk_live_abcdef0123",
        "sk_test_abcdef0123",
        "whsec_abcdef0123==",
        "eyJhbGciOi.abcdef0123.c2ln",
        "postgresql://ann:abcdef0123@db/bits",
        "postgresql://ann:p@abcdef0123:/@db/bits",
        "?api_key=abcdef0123&x=1",
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str) -> None:
    """By pattern, without knowing the value."""
    assert "abcdef0123" not in redact(text)
    assert "***" in redact(text) or "YWJjZGVm" not in redact(text)


@pytest.mark.parametrize("text", ["hello there", "the token is nice", "a basic idea", "see https://example.org/a:b", "compass: north"])
def test_plain_chat_is_left_alone(text: str) -> None:
    """A redactor that eats the log is no use."""
    assert redact(text) == text


@pytest.mark.parametrize("name", ["token", "clientSecret", "api_key", "access_token", "Authorization", "BITBRAT_TWITCH__TOKEN", "pass"])
def test_telling_names_are_secret(name: str) -> None:
    """Whatever stands in such a field is not shown."""
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["idempotency_key", "compass", "text", "hop_id", "token_count", "step"])
def test_other_names_are_not(name: str) -> None:
    """A field is not secret for resembling one."""
    assert not is_secret_name(name)


@pytest.mark.parametrize("spelling", [CANARY, CANARY.replace("-", "%2D"), b64encode(CANARY.encode()).decode(), f"oauth:{CANARY}"])
def test_a_loaded_secret_is_found_in_every_spelling(spelling: str) -> None:
    """Plain, in a URL, in base64, with its prefix."""
    secrets = Secrets()
    secrets.add(SecretStr(CANARY))

    shown = secrets.redact(f"it says {spelling}!")

    assert CANARY not in shown
    assert spelling not in shown or spelling == CANARY.replace("-", "%2D")


def test_secrets_of_settings_are_found_however_deep() -> None:
    """In nested models, mappings and lists."""

    class Inner(BaseModel):
        key: SecretStr

    class Outer(BaseModel):
        one: Inner
        many: dict[str, list[SecretStr]]

    secrets = Secrets()
    secrets.add_settings(Outer(one=Inner(key=SecretStr("spatz")), many={"a": [SecretStr("meise")]}))

    assert secrets.redact("spatz meise") == "*** ***"


def test_a_very_short_value_is_not_searched_for() -> None:
    """It would blank out half of every text."""
    secrets = Secrets()
    secrets.add("a")

    assert secrets.redact("banana") == "banana"


def test_the_registry_does_not_print_what_it_holds() -> None:
    """Neither its repr nor its str."""
    secrets = Secrets()
    secrets.add(CANARY)

    assert CANARY not in f"{secrets!r} {secrets}"


def test_a_canary_reaches_no_log_line_by_any_path() -> None:
    """As event, field, nested value, object, exception and telling name."""
    secrets, stream = Secrets(), io.StringIO()
    secrets.add(CANARY)
    log = Logs(stream=stream, level="debug", redact=secrets.redact_field).logger("auth")

    class Holder:
        def __repr__(self) -> str:
            return f"Holder({CANARY})"

    try:
        raise RuntimeError(f"refused {CANARY}")
    except RuntimeError as error:
        log.error(f"failed {CANARY}", text=f"x{CANARY}x", deep={"a": [CANARY]}, thing=Holder(), cause=error, exc_info=True)
    log.bind(token="shorty").info("bound")

    assert CANARY not in stream.getvalue()
    assert "shorty" not in stream.getvalue()

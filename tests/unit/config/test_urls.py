"""Bus and store URLs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitbrat.config import Location, parse_bus_url, parse_dsn, parse_store_url, redact_url
from bitbrat.errors import ConfigError


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("memory://", Location("memory")),
        ("sqlite:///.bitbrat/dev.db", Location("sqlite", ".bitbrat/dev.db")),
        ("sqlite:////var/lib/b.db", Location("sqlite", "/var/lib/b.db")),
        ("sqlite:///with%20space.db", Location("sqlite", "with space.db")),
    ],
)
def test_a_url_says_where(url: str, place: Location) -> None:
    """Relative and absolute files, percent-encoded characters, memory."""
    assert parse_bus_url(url) == place
    assert parse_store_url(url) == place


@pytest.mark.parametrize(
    "url",
    [
        "memory",
        "memory:",
        "memory://x",
        "memory:///x",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite://host/a.db",
        "sqlite:///a.db?mode=ro",
        "sqlite:///dir/",
        "kafka://host",
        "SQLITE:///a.db",
        "/a.db",
        "sqlite:///a\n.db",
        "sqlite:///a%00.db",
        "sqlite:///%ff.db",
    ],
)
def test_anything_else_is_refused(url: str) -> None:
    """With config.bad, before anything is opened."""
    with pytest.raises(ConfigError) as refused:
        parse_bus_url(url)

    assert refused.value.code == "config.bad"


def test_a_dsn_is_taken_apart_and_decoded() -> None:
    """User, password, host, port and database; the password is in no repr."""
    place = parse_dsn("postgresql://ann:p%40ss%3Aw%2Frd@db.example:5432/bits?sslmode=require")

    assert place == Location("postgresql", "/bits", "db.example", 5432, "ann", "p@ss:w/rd", "sslmode=require")
    assert "p@ss" not in repr(place)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://ann:geheim@db/bits", "postgresql://ann:***@db/bits"),
        ("postgresql://ann:ge@h:e/im@db/bits", "postgresql://ann:***@db/bits"),
        ("nats://geheim@host:4222", "nats://***@host:4222"),
        ("https://h/p?access_token=geheim&x=1", "https://h/p?access_token=***&x=1"),
        ("sqlite:///a.db", "sqlite:///a.db"),
    ],
)
def test_a_shown_url_has_no_secret_in_it(url: str, shown: str) -> None:
    """Also one that cannot be parsed."""
    assert redact_url(url) == shown


@given(st.text(max_size=60))
def test_no_text_makes_the_parser_fail_otherwise(text: str) -> None:
    """A location or ``config.bad``, for any text."""
    for url in (text, f"postgresql://{text}", f"sqlite:///{text}"):
        assert refusal_of(url) in (None, "config.bad")


def refusal_of(url: str) -> str | None:
    """The code with which ``url`` is refused, or None."""
    try:
        parse_dsn(url)
        parse_store_url(url)
    except ConfigError as error:
        return error.code
    return None

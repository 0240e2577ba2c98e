"""What a PostgreSQL URL says, and that it never shows its password."""

from __future__ import annotations

import pytest

from bitbrat.config import parse_dsn, parse_store_url
from bitbrat.config.pg_url import PgAddress, pg_address
from bitbrat.errors import ConfigError
from bitbrat.runtime import open_store
from bitbrat.world import RealWorld

FULL = "postgresql://ann:p%40ss@db.example:6543/bits?pool=4&sslmode=verify-full&sslrootcert=/ca.pem&statement_timeout=9"


def test_a_url_says_where_and_how() -> None:
    """Every part and every option; a socket's folder is a host, too."""
    full = PgAddress("db.example", 6543, "ann", "bits", "p@ss", 4, "verify-full", "/ca.pem", 9)

    assert pg_address(parse_store_url(FULL)) == full
    assert pg_address(parse_dsn("postgresql://ann@/bits?host=/run/pg")) == PgAddress("/run/pg", 5432, "ann", "bits")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://",
        "postgresql://ann:geheim@db",
        "postgresql://ann:geheim@/bits",
        "postgresql://:geheim@db/bits",
        "postgresql://ann:geheim@db/bits?pool=0",
        "postgresql://ann:geheim@db/bits?pool=x",
        "postgresql://ann:geheim@db/bits?pool=1&pool=2",
        "postgresql://ann:geheim@db/bits?pool",
        "postgresql://ann:geheim@db/bits?sslmode=maybe",
        "postgresql://ann:geheim@db/bits?statement_timeout=-1",
        "postgresql://ann:geheim@db/bits?colour=red",
    ],
)
def test_what_it_cannot_mean_is_refused_without_being_shown(url: str) -> None:
    """With config.bad; the password is not in what is said."""
    with pytest.raises(ConfigError, match=r"config\.bad") as refused:
        parse_store_url(url)

    assert "geheim" not in f"{refused.value!r}{refused.value}"


def test_the_password_is_in_no_repr() -> None:
    """Neither of the address nor of the store."""
    assert "p@ss" not in repr(pg_address(parse_store_url(FULL)))
    assert "p@ss" not in f"{open_store(FULL, RealWorld())!r}"

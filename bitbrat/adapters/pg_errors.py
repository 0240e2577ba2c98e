"""What PostgreSQL and its driver say, in the words of the port.

| SQLSTATE                                            | becomes                                                       |
|-----------------------------------------------------|---------------------------------------------------------------|
| 40001, 40P01, 55P03                                 | ``StoreUnavailable`` ``store.contended``: run it again         |
| 22…, 23…                                            | ``store.bad_value``: the same again would be refused again     |
| 25P02, 53…, 57…, 08…, a broken connection, the rest | ``StoreUnavailable`` ``store.unavailable``: ask again, never assume |
"""

from __future__ import annotations

import asyncpg

from bitbrat.errors import StoreError, StoreUnavailable

DRIVER_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)
"""Everything that a statement, or connecting, may raise of its own."""

_CONTENDED = frozenset(("40001", "40P01", "55P03"))


def mapped(error: BaseException) -> StoreError:
    """The port's error for one of ``DRIVER_ERRORS``. Values that a statement had are not repeated."""
    state = getattr(error, "sqlstate", None) or ""
    if state in _CONTENDED:
        return StoreUnavailable("store.contended", f"PostgreSQL {state}: {_line(error)}")
    if state[:2] in ("22", "23"):
        return StoreError("store.bad_value", f"PostgreSQL refuses a value ({state})")
    if isinstance(error, TimeoutError):
        return StoreUnavailable("store.unavailable", "PostgreSQL did not answer in time")
    return StoreUnavailable("store.unavailable", f"PostgreSQL {state}: {_line(error)}" if state else f"PostgreSQL: {_line(error)}")


def _line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).partition("\n")[0][:200]

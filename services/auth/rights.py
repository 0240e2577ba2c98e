"""What a user may do, whether they are heard at all, and whose they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bitbrat import Envelope, User
from bitbrat.rules.domain import LADDER
from services.auth.settings import AuthSettings


def permissions(user: User, grants: Any, settings: AuthSettings) -> tuple[str, ...]:
    """The permissions of the user's roles, and those granted to the user alone (``{"permissions": […]}``), each once."""
    table = settings.permissions
    found = [right for role in _roles(user) for right in table.get(role, ())]
    granted = grants.get("permissions") if isinstance(grants, dict) else None
    found += [right for right in granted if isinstance(right, str)] if isinstance(granted, list) else []
    return tuple(dict.fromkeys(found))


def _roles(user: User) -> tuple[str, ...]:
    """The user's role with those below it on the ladder, and the roles that stand beside the ladder."""
    below = LADDER[: LADDER.index(user.role) + 1] if user.role in LADDER else ()
    return (*below, *(role for role in user.roles if role not in LADDER))


def banned(key: str, record: Mapping[str, Any], settings: AuthSettings) -> bool:
    """Whether an operator or the settings have banned the user ``key``."""
    return record.get("banned") is True or key in settings.banned


def tenant(envelope: Envelope, settings: AuthSettings) -> str | None:
    """The tenant of the connection that the event came through; None is the default tenant. The sender has no say."""
    return settings.tenants.get(envelope.source.connection_id or "")

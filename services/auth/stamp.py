"""What auth writes on an envelope. What the sender may have put there is replaced, not kept."""

from __future__ import annotations

from bitbrat import Annotation, Envelope


def stamped(envelope: Envelope, *, permissions: tuple[str, ...], tags: tuple[str, ...], tenant: str | None) -> Envelope:
    """``envelope`` with the user's ``permissions``, its ``tags`` beside those of the connector, and its ``tenant``."""
    user = envelope.user
    user = user.but(permissions=permissions) if permissions else user.without("permissions") if user.permissions else user
    if tags:
        user = user.but(tags=tuple(dict.fromkeys((*user.tags, *tags))))
    found = envelope if user is envelope.user else envelope.but(user=user)
    if tenant is not None:
        return found.but(tenant_id=tenant)
    return found if found.tenant_id is None else found.without("tenant_id")


def noted(envelope: Envelope) -> Envelope:
    """``envelope`` with the note that its user is banned, for whoever looks at why nothing came of it."""
    return envelope.but(annotations=(*envelope.annotations, Annotation(kind="auth", label="banned", by="auth")))

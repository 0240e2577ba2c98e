"""Auth: who is it, what may they do, have we met? Banned users stop here."""

from bitbrat import Context, Envelope, Refused, Service
from services.auth.record import of_user, seen
from services.auth.rights import banned, permissions, tenant
from services.auth.settings import AuthSettings
from services.auth.stamp import noted, stamped

__all__ = ["AuthSettings", "service"]

USERS, GRANTS, SANDBOX = "users", "grants", "~simulated"

DEFAULTS = AuthSettings()

service = Service("auth", settings=AuthSettings)


@service.consumer("internal.ingress.v1", role="auth", effects="transactional")
async def admit(envelope: Envelope, ctx: Context) -> Envelope | Refused:
    """Put role, permissions, tags and tenant on the envelope, and keep the user's record up to date."""
    settings = ctx.settings or DEFAULTS
    owner = tenant(envelope, settings)
    if not envelope.user.id:
        return stamped(envelope, permissions=(), tags=(), tenant=owner)
    key = of_user(envelope)
    users = USERS + (SANDBOX if envelope.simulated else "")
    sighting = seen(await ctx.tx.get(users, key), envelope, gap=settings.session_gap)
    if sighting.changed:
        await ctx.tx.put(users, key, sighting.record)
    if banned(key, sighting.record, settings):
        return Refused(noted(envelope), "auth.banned", "the user is banned here")
    grants = await ctx.tx.get(GRANTS, key)
    return stamped(envelope, permissions=permissions(envelope.user, grants, settings), tags=sighting.tags, tenant=owner)

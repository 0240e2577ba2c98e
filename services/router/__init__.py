"""Router: the first rule that matches a message writes its slip."""

from bitbrat import Context, Envelope, Refused, Service, ServiceContext
from bitbrat.topics import AUTHENTICATED, REROUTE
from services.router.decide import route
from services.router.rulebook import Rulebook, watch
from services.router.settings import RouterSettings

__all__ = ["RouterSettings", "Rulebook", "service"]

DEFAULTS = RouterSettings()

service = Service("router", settings=RouterSettings, state=Rulebook)


@service.consumer(lambda _: (AUTHENTICATED, REROUTE), role="router", effects="transactional")
async def write_slip(envelope: Envelope, ctx: Context) -> Envelope | Refused:
    """Add the steps, replies and annotations of the first rule that matches; without one, the default slip."""
    settings = ctx.settings or DEFAULTS
    book: Rulebook = ctx.state
    if not book.loaded:
        book.load(settings, registry=ctx.registry, log=ctx.log)
    return await route(envelope, ctx, book, settings)


@service.background
async def reload_rules(ctx: ServiceContext) -> None:
    """Load the rules, and load them again whenever a file changes."""
    await watch(ctx.state, ctx.settings or DEFAULTS, registry=ctx.registry, log=ctx.log)

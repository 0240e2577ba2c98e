"""Commands: answers chat commands that are written down in a file."""

from bitbrat import Context, Envelope, Outcome, Service
from services.commands.book import CommandsState
from services.commands.call import answer
from services.commands.settings import CommandsSettings

__all__ = ["CommandsSettings", "service"]

DEFAULTS = CommandsSettings()

service = Service("commands", settings=CommandsSettings, state=CommandsState)


@service.step("internal.commands.v1", effects="transactional")
async def run_command(envelope: Envelope, ctx: Context) -> Outcome:
    """Answer the command that a chat message begins with; leave everything else alone."""
    settings = ctx.settings or DEFAULTS
    state: CommandsState = ctx.state
    book = state.book(settings, now=ctx.now(), log=ctx.log)
    return await answer(envelope, ctx, book, prefix=settings.prefix, since=state.since)

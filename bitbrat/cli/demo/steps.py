"""Two steps of the demo: one that works at the third attempt, one that never does."""

from bitbrat import Context, Envelope, Handled, Outcome, Service

service = Service("demo-steps")


@service.step("internal.flaky.v1")
async def flaky(envelope: Envelope, ctx: Context) -> Outcome:
    """Fail twice, then answer."""
    if ctx.attempt < 2:
        raise ConnectionError("the shop did not answer")
    return Handled(reply=f"It worked at attempt {ctx.attempt + 1}, {envelope.user.display_name}.")


@service.step("internal.broken.v1")
async def broken(envelope: Envelope, ctx: Context) -> Outcome:  # noqa: ARG001 - a handler takes both
    """Look for something that is not there."""
    return Handled(reply=str(envelope.payload["target"]))

"""Greeter: answers ``!hello`` in chat."""

from bitbrat import Context, Envelope, Handled, Outcome, Service, Skip

service = Service("greeter")


@service.step("internal.greeter.v1")
async def greet(envelope: Envelope, ctx: Context) -> Outcome:
    """Greet whoever said ``!hello``; leave every other message alone."""
    text = envelope.payload.get("text", "")
    if not text.startswith("!hello"):
        return Skip("not for me")
    return Handled(reply=f"Hello, {envelope.user.display_name}!")

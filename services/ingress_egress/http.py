"""Events in over HTTP: ``POST /v1/events``, for anything that is not chat. 202 is answered once the event is stored."""

from __future__ import annotations

from aiohttp import web

from bitbrat import Service, ServiceContext
from bitbrat.web import Invalid, check_bearer, read_json_body
from services.ingress_egress import idempotency, posted

CONNECTION = "http"
IDEMPOTENCY_KEY = "Idempotency-Key"
IGNORED = "BitBrat-Ignored"


def register(service: Service) -> None:
    """Give ``service`` its route."""
    service.route("POST", "/v1/events")(post_event)
    service.background(idempotency.purge)


async def post_event(request: web.Request, ctx: ServiceContext) -> web.Response:
    """Accept one event: ``{"type", "payload"?, "id"?, "time"?}`` in, ``{"id", "correlationId"}`` out.

    ``id`` is the source's own id: the same one gives the same envelope; with another content it is refused. So does an
    ``Idempotency-Key``, which wins.
    """
    settings = ctx.settings.ingress
    check_bearer(request, settings.token)
    key = request.headers.get(IDEMPOTENCY_KEY)
    if key is not None:
        idempotency.checked(key)
    body, raw = await read_json_body(request, limit=settings.body_limit)
    event, errors = posted.read(body)
    if event is None:
        raise Invalid(errors)
    if key is not None:
        await idempotency.claim(ctx, f"key:{key}", raw)
    elif event.id:
        await idempotency.claim(ctx, f"id:{event.id}", event.content, conflict="envelope.id_conflict")
    envelope = await ctx.ingest(
        f"key:{key}" if key is not None else f"id:{event.id}" if event.id else "",
        event.type,
        event.payload,
        platform="http",
        connection=CONNECTION,
    )
    headers = {IGNORED: ", ".join(event.ignored).encode("ascii", "replace").decode()} if event.ignored else {}
    return web.json_response({"id": envelope.id, "correlationId": envelope.correlation_id}, status=202, headers=headers)

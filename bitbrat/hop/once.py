"""A call that is made at most once for its key: an intent row first, then the call, then its result.

The way of chat egress, which keeps one intent per reply.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from bitbrat.errors import StepFailed, Unavailable
from bitbrat.hop.shared import Shared
from bitbrat.store import Hop, Write

COLLECTION = "once"
UNKNOWN = "step.unknown_outcome"


async def once(shared: Shared, group: str, key: str, call: Callable[[], Awaitable[Mapping[str, Any]]]) -> Mapping[str, Any]:
    """The result of ``call`` for ``key`` in ``group``; see :meth:`bitbrat.context.Context.once`."""
    hop, owner = Hop(f"{group}#once", key), f"{shared.keeper.owner}#{key}"
    claim = await shared.store.claim(hop, owner=owner, lease=shared.keeper.lease, max_starts=1_000, intent=True)
    if claim.state == "running":
        raise Unavailable("call", f"{key} is under way elsewhere", code=UNKNOWN)
    if claim.state in ("done", "stale"):
        return await _before(shared, hop)
    if claim.state != "run":
        await _keep(shared, hop, owner, {"unknown": True})
        raise StepFailed(UNKNOWN, "an earlier call was cut off; it is not repeated")
    try:
        result = await call()
    except StepFailed as error:
        if error.retryable:
            await shared.store.release(hop, owner=owner)
        else:
            await _keep(shared, hop, owner, {"failed": [error.code, error.message]})
        raise
    except BaseException:
        await _keep(shared, hop, owner, {"unknown": True})
        raise
    await _keep(shared, hop, owner, {"result": dict(result)})
    return result


async def _keep(shared: Shared, hop: Hop, owner: str, value: Mapping[str, Any]) -> None:
    await shared.store.commit(hop, "done", (), owner=owner, writes=[Write(COLLECTION, _key(hop.group, hop.id), value)])


async def _before(shared: Shared, hop: Hop) -> Mapping[str, Any]:
    """What came of the call when it was made."""
    kept = await shared.store.get(COLLECTION, _key(hop.group, hop.id))
    value: Mapping[str, Any] = kept.value if kept is not None else {"unknown": True}
    if "failed" in value:
        raise StepFailed(*value["failed"])
    if "unknown" in value:
        raise StepFailed(UNKNOWN, "an earlier call was cut off; it is not repeated")
    return dict(value["result"])


def forget(keys: Iterable[str], group: str) -> list[Write]:
    """The results of calls whose hop is decided now: nobody asks for them again."""
    return [Write(COLLECTION, _key(f"{group}#once", key), delete=True) for key in keys]


def _key(group: str, key: str) -> str:
    return f"{group}/{key}"

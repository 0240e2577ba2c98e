"""The operator of another process, over its API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import aiohttp
from yarl import URL

from bitbrat.api.events import NewEvent
from bitbrat.api.operator import Json, Page
from bitbrat.api.table import BASE, BY_NAME, MAX_WAIT
from bitbrat.errors import BitBratError

PATIENCE = aiohttp.ClientTimeout(total=MAX_WAIT + 10.0, connect=3.0)


class HttpOperator:
    """Asks the process at ``url`` with its ``token``. Raises ``cli.cannot_connect`` when nobody answers there."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url.rstrip("/")
        # The API answers to this name only, whatever address it listens on.
        headers = {"Authorization": f"Bearer {token}", "Host": "localhost"}
        self._session = aiohttp.ClientSession(headers=headers, timeout=PATIENCE, trust_env=False)

    async def status(self) -> Json:
        """See :class:`bitbrat.api.operator.Operator`."""
        return await self._object("status")

    async def send(self, event: NewEvent) -> str:
        """See :class:`bitbrat.api.operator.Operator`."""
        return str((await self._object("send", body=event.to_json()))["id"])

    async def ended(self, envelope_id: str, *, seconds: float) -> Json | None:
        """See :class:`bitbrat.api.operator.Operator`."""
        left = seconds
        while True:
            found = await self._call("ended", name=envelope_id, wait=min(left, MAX_WAIT))
            left -= MAX_WAIT
            if found is not None or left <= 0:
                return None if found is None else dict(found)

    async def messages(self, *, after: str = "", newest_first: bool = False, limit: int = 100) -> Page:
        """See :class:`bitbrat.api.operator.Operator`."""
        return Page(**await self._object("messages", after=after, order="newest" if newest_first else "oldest", limit=limit))

    async def message(self, name: str) -> Json:
        """See :class:`bitbrat.api.operator.Operator`."""
        return await self._object("message", name=name)

    async def failures(self, *, group: str = "", states: Sequence[str] = (), after: str = "", limit: int = 100) -> Page:
        """See :class:`bitbrat.api.operator.Operator`; one state at a time, or none."""
        return Page(**await self._object("failures", group=group, state=next(iter(states), ""), after=after, limit=limit))

    async def groups(self) -> list[Json]:
        """See :class:`bitbrat.api.operator.Operator`."""
        found: list[Json] = await self._call("groups")
        return found

    async def failure(self, name: str) -> Json:
        """See :class:`bitbrat.api.operator.Operator`."""
        return await self._object("failure", name=name)

    async def replay(self, name: str, *, mode: str = "resume", egress: str = "auto", reason: str = "") -> Json:
        """See :class:`bitbrat.api.operator.Operator`."""
        return await self._object("replay", name=name, body={"mode": mode, "egress": egress, "reason": reason})

    async def discard(self, name: str) -> Json:
        """See :class:`bitbrat.api.operator.Operator`."""
        return await self._object("discard", name=name)

    async def rules(self) -> Json:
        """See :class:`bitbrat.api.operator.Operator`."""
        return await self._object("rules")

    async def rule_tests(self) -> Json:
        """See :class:`bitbrat.api.operator.Operator`."""
        return await self._object("rule_tests")

    async def explain_rules(self, event: NewEvent) -> Json:
        """See :class:`bitbrat.api.operator.Operator`."""
        return await self._object("explain_rules", body=event.to_json())

    async def close(self) -> None:
        """Close the connection."""
        await self._session.close()

    async def _object(self, call: str, *, name: str = "", body: Json | None = None, **query: Any) -> Json:
        return dict(await self._call(call, name=name, body=body, **query))

    async def _call(self, call: str, *, name: str = "", body: Json | None = None, **query: Any) -> Any:
        known = BY_NAME[call]
        url = self._url + BASE + known.path.replace("{id}", quote(name, safe=""))
        asked = {key: str(value) for key, value in query.items() if value != ""}
        try:
            async with self._session.request(known.method, URL(url, encoded=True), params=asked, json=body) as response:
                found = await response.json(content_type=None)
                status = response.status
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise BitBratError("cli.cannot_connect", f"nothing answers at {self._url}", why=f"{type(error).__name__}: {error}") from error
        if status >= 400:
            raise _refused(found)
        return found


def _refused(problem: Any) -> BitBratError:
    """The problem that the process answered with, as the error that it was there."""
    known = problem if isinstance(problem, dict) else {}
    errors = [error for error in known.get("errors") or [] if isinstance(error, dict)]
    told = [f"{error.get('pointer')} {error.get('message')}".strip() for error in errors if error.get("pointer")]
    fix = str(errors[0].get("fix") or "") if len(errors) == 1 else ""
    return BitBratError(
        str(known.get("code") or "internal.error"), str(known.get("detail") or "no reason given"), why="\n".join(told), fix=fix
    )

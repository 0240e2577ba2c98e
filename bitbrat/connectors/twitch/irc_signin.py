"""The token of a connection: refreshed once after a refusal, then waited for until somebody signs in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from pydantic import SecretStr

from bitbrat.connectors.twitch.irc_config import clean_token
from bitbrat.connectors.twitch.irc_log import IrcLog

TokenProvider = Callable[[], Awaitable[SecretStr | str | None]]


class SignIn:
    """Holds the token in use. ``provider`` makes a fresh one; asked once after each login that worked: two dead tokens make no loop."""

    def __init__(self, token: SecretStr | str | None, provider: TokenProvider | None, log: IrcLog) -> None:
        self.token = clean_token(token)
        self._provider = provider
        self._log = log
        self._asked = False
        self._given = asyncio.Event()

    def worked(self) -> None:
        """The token was accepted: a later refusal may ask the provider again."""
        self._asked = False

    def give(self, token: SecretStr | str) -> None:
        """Use this token, and end the wait for one. Raises ConfigError when it cannot be a token."""
        self.token = clean_token(token)
        self._asked = False
        self._given.set()

    async def given(self) -> None:
        """Wait until a token is given."""
        self._given.clear()
        await self._given.wait()

    async def refresh(self) -> bool:
        """Whether there is another token to try now."""
        if self._provider is None or self._asked:
            return False
        self._asked = True
        try:
            fresh = clean_token(await self._provider())
        except Exception as exc:  # the provider is somebody else's code; that it failed means there is no token
            self._log.say("error", "irc.refresh_failed", type(exc).__name__)
            return False
        if fresh is None or fresh == self.token:
            return False
        self.token = fresh
        return True

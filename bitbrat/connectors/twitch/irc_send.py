"""Text on its way out to a chat: cleaned, cut to length, made harmless. Pure."""

from __future__ import annotations

from bitbrat.connectors.twitch.irc_line import escape

LIMIT = 500
"""Code points in one message."""
ACTION_LIMIT = 490
"""Code points in one ``/me`` message."""
INVISIBLE = "\U000e0000"
"""Shown by no chat client, and kept by Twitch."""

_REPLACED = str.maketrans({"\r": " ", "\n": " ", "\0": None, "\x01": None})


def clean(text: str) -> str:
    """The text without what would end the line or begin another command: CR and LF become spaces, NUL and ``\\x01`` go."""
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return whole.translate(_REPLACED).strip()


def neutralise(text: str) -> str:
    """The text so that Twitch takes it for text: a leading ``/`` or ``.`` would make it a command, so something invisible goes first."""
    return INVISIBLE + text if text.lstrip().startswith(("/", ".")) else text


def split(text: str, limit: int = LIMIT) -> list[str]:
    """The text in parts of at most ``limit`` code points, cut at spaces; a word longer than a part is cut anywhere."""
    parts: list[str] = []
    rest = text.strip()
    while rest:
        part, rest = _cut(rest, limit)
        parts.append(part)
    return parts


def prepare(text: str, *, action: bool = False) -> list[str]:
    """The messages that say ``text``, in order, ready for :func:`privmsg`; none when nothing is left to say.

    Each part is made harmless by itself: a cut may put a slash first.
    """
    if action:
        return [f"/me {part}" for part in split(clean(text), ACTION_LIMIT)]
    parts: list[str] = []
    rest = clean(text)
    while rest:
        room = LIMIT if neutralise(rest) == rest else LIMIT - len(INVISIBLE)
        part, rest = _cut(rest, room)
        parts.append(neutralise(part))
    return parts


def _cut(text: str, limit: int) -> tuple[str, str]:
    if len(text) <= limit:
        return text, ""
    space = text.rfind(" ", 0, limit + 1)
    cut = space if space > 0 else limit
    return text[:cut].rstrip(), text[cut:].lstrip()


def privmsg(channel: str, text: str, *, nonce: str = "", reply_to: str = "") -> str:
    """The line that sends ``text`` to ``channel``, without its line end. Both tags are escaped."""
    pairs = {"client-nonce": nonce, "reply-parent-msg-id": reply_to}
    tags = ";".join(f"{name}={escape(value)}" for name, value in pairs.items() if value)
    return f"{f'@{tags} ' if tags else ''}PRIVMSG #{channel} :{text}"


class DuplicateGuard:
    """Twitch drops a message that equals the one before it in that channel for 30 s; an invisible last character makes it differ."""

    def __init__(self, seconds: float = 32.0) -> None:
        self._seconds = seconds
        self._last: dict[str, tuple[str, float]] = {}

    def vary(self, channel: str, text: str, now: float) -> str:
        """The text as it should be written now, and remembered as written."""
        last, at = self._last.get(channel, ("", 0.0))
        out = _varied(text) if text == last and now - at < self._seconds else text
        self._last[channel] = (out, now)
        return out

    def is_echo(self, channel: str, text: str, now: float) -> bool:
        """Whether this is what we wrote last in that channel, come back to us."""
        last, at = self._last.get(channel, ("", 0.0))
        return bool(last) and last == text and now - at < self._seconds


def _varied(text: str) -> str:
    if len(text) < LIMIT:
        return text + INVISIBLE
    return "\u00a0".join(text.rsplit(" ", 1))  # no room for one more: its last space becomes one that does not break

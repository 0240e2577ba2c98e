"""``demo --script`` plays any chat, not only ours."""

from __future__ import annotations

import pytest

from bitbrat.cli.demo.command import HERE
from bitbrat.cli.demo.play import Play
from bitbrat.cli.demo.show import Show

CHATS = {
    "lines without an id and a time": [":ann!a@a PRIVMSG #zed :!ping", ":bob!b@b PRIVMSG #zed !ping", ":bob!b@b PRIVMSG #zed :hi"],
    "a channel in capitals": [":ann!a@a PRIVMSG #ZED :!ping"],
    "one line twice": ["@id=1 :ann!a@a PRIVMSG #zed :!hello"] * 2,
    "nothing that is a message": ["PING :x", "@a", ":x", "GARBAGE", "PRIVMSG"],
    "the words of the protocol": [":t NOTICE * :Login authentication failed", ":t RECONNECT", "@id=1 :ann!a@a PRIVMSG #zed :!ping"],
    "nothing at all": [],
}


@pytest.mark.parametrize("lines", CHATS.values(), ids=CHATS)
async def test_an_odd_chat_is_played_to_its_end_and_agrees(lines, tmp_path):
    """Each message has one final record, and each reply was read off the socket."""
    script = tmp_path / "chat.irc"
    script.write_text("\n".join(lines))

    code = await Play(script, HERE / "rules.yaml", tmp_path, Show()).run(pause=0.0)

    assert code == 0

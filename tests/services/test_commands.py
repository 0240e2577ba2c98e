"""The commands step: words, permissions, cooldowns, templates, the file."""

import pytest

from bitbrat.adapters.memory_store import MemoryStore
from bitbrat.envelope import Envelope, User
from bitbrat.errors import RulesError
from bitbrat.testing import Sent, an_envelope, deliver
from services.commands import CommandsSettings, service
from services.commands.book import CommandsState
from services.commands.reader import read_commands
from services.commands.spans import spoken_span
from tests.services.clock import NOON, SetWorld

FILE = """
- {name: ping, aliases: [p], reply: "pong {user.displayName}"}
- {name: so, role: ">=moderator", reply: "Follow {1}!"}
- {name: grant, permission: commands.manage, reply: done}
- {name: hug, cooldown: {user: 10s, reply: silent}, reply: "hug {count}"}
- {name: race, cooldown: {global: 10s, reply: react}, reply: go}
- {name: quest, cooldown: {user: 10s, reply: once}, reply: "off you go"}
- {name: fact, reply: [one, two, three]}
"""


class Chat:
    """Somebody who says things, one after the other, to the commands step."""

    def __init__(self, path) -> None:
        self.world = SetWorld()
        self.store = MemoryStore(self.world)
        self.settings = CommandsSettings(path=str(path))
        self.said = 0

    async def say(self, text: str, *, name: str = "Ann", role: str = "viewer", permissions: tuple[str, ...] = (), **changes) -> Sent:
        """What the step sent."""
        self.said += 1
        user = User(id=name.lower(), name=name.lower(), display_name=name, role=role, permissions=permissions)
        envelope: Envelope = an_envelope(id=f"e{self.said}", text=text, user=user, slip=["commands", "llm"], **changes)
        return await deliver(service, envelope, store=self.store, settings=self.settings, world=self.world)

    async def heard(self, text: str, **who) -> list[str | None]:
        """What was answered."""
        return [reply.text for reply in (await self.say(text, **who)).envelope.replies]


class Heard:
    """A log that keeps the codes of its errors."""

    def __init__(self, codes: list[str]) -> None:
        self.codes = codes

    def info(self, event, **fields):
        """Not kept."""

    def warning(self, event, **fields):
        """Not kept."""

    def error(self, event, **fields):
        """Kept by its code."""
        self.codes.append(fields["code"])


@pytest.fixture
def chat(tmp_path) -> Chat:
    """A chat with the commands of the file."""
    path = tmp_path / "commands.yaml"
    path.write_text(FILE)
    return Chat(path)


@pytest.mark.parametrize("text", ["!ping", "!PING", "!p", "  !ping now", "！ＰＩＮＧ", "!p\u200bing", "!ping\U000e0000"])
async def test_a_command_is_found_by_its_name_or_an_alias_however_it_is_typed(chat, text):
    """Case, full-width letters and invisible characters do not hide a command."""
    assert await chat.heard(text) == ["pong Ann"]


@pytest.mark.parametrize("text", ["", "hello", "ping", "! ping", "!", "say !ping", "!pingpong"])
async def test_other_chat_goes_to_the_next_step(chat, text):
    """What is no command of ours is skipped, and the next step gets it."""
    sent = await chat.say(text)

    assert (sent.topic, sent.envelope.routing_slip[0].status, sent.envelope.replies) == ("internal.llm.v1", "SKIP", ())


async def test_a_command_of_another_channel_in_a_shared_chat_is_left_to_that_channel(chat):
    """A bot in both channels would answer twice."""
    sent = await chat.say("!ping", payload={"sourceChannelId": "99"})

    assert (sent.topic, sent.envelope.replies) == ("internal.llm.v1", ())


async def test_a_command_stops_the_slip(chat):
    """An answered command is handled: nobody answers it twice."""
    sent = await chat.say("!ping")

    assert (sent.envelope.status, sent.topic) == ("HANDLED", "internal.egress.v1")
    assert [step.status for step in sent.envelope.routing_slip] == ["OK", "SKIP"]


async def test_a_command_is_found_behind_a_replys_mention(chat):
    """Twitch puts the parent's name before the words of a reply."""
    assert await chat.heard("@Bob !ping", payload={"reply": {"parentMessageId": "1"}}) == ["pong Ann"]
    assert await chat.heard("@Bob !ping") == []


@pytest.mark.parametrize(
    ("role", "answer"), [("viewer", []), ("vip", []), ("moderator", ["Follow bob!"]), ("broadcaster", ["Follow bob!"])]
)
async def test_a_role_is_needed(chat, role, answer):
    """Roles above the one that is asked for may too; others are skipped in silence."""
    assert await chat.heard("!so bob", role=role) == answer


async def test_a_permission_is_needed(chat):
    """A permission comes from auth, not from the role."""
    assert await chat.heard("!grant", role="broadcaster") == []
    assert await chat.heard("!grant", permissions=("commands.manage",)) == ["done"]


async def test_a_silent_cooldown_says_nothing_to_that_user_only(chat):
    """Silent: no answer while it rests for the user; another user is answered; the uses are counted."""
    assert await chat.heard("!hug") == ["hug 1"]
    assert await chat.heard("!hug") == []
    assert await chat.heard("!hug", name="Bob") == ["hug 2"]
    chat.world.later(10)
    assert await chat.heard("!hug") == ["hug 3"]


async def test_a_reacting_cooldown_says_each_time_how_long(chat):
    """React: everybody is told the seconds that are left, each time."""
    assert await chat.heard("!race") == ["go"]
    chat.world.later(3.5)
    assert await chat.heard("!race", name="Bob") == ["⏳ 7 s"]
    assert await chat.heard("!race", name="Bob") == ["⏳ 7 s"]


async def test_a_cooldown_that_tells_once_tells_once_for_each_rest(chat):
    """Once: the first try is told how long, the next is not; after the next use it begins anew."""
    assert await chat.heard("!quest") == ["off you go"]
    assert await chat.heard("!quest") == ["Ann, please wait 10 s."]
    assert await chat.heard("!quest") == []
    chat.world.later(11)
    assert await chat.heard("!quest") == ["off you go"]
    assert await chat.heard("!quest") == ["Ann, please wait 10 s."]


async def test_a_resting_command_is_handled_and_says_why(chat):
    """No step behind answers a command that rests, and the trace tells how long it does."""
    await chat.say("!hug")
    sent = await chat.say("!hug")

    assert sent.envelope.status == "HANDLED"
    assert [(note.kind, note.value) for note in sent.envelope.annotations] == [("cooldown", 10)]


async def test_a_simulated_call_uses_up_no_real_cooldown(chat):
    """A simulated call counts and rests in a sandbox."""
    assert await chat.heard("!hug", simulated=True) == ["hug 1"]
    assert await chat.heard("!hug") == ["hug 1"]
    assert await chat.heard("!hug", simulated=True) == []


async def test_a_reply_is_not_the_last_one_again(chat):
    """One of several replies is chosen, never the one before."""
    heard = [await chat.heard("!fact") for _ in range(3)]

    assert heard == [["one"], ["two"], ["one"]]


async def test_what_somebody_says_is_not_looked_at_for_variables(chat):
    """The words of a user are put in as they are."""
    assert await chat.heard("!so {user.id}", role="moderator") == ["Follow {user.id}!"]


async def test_the_built_in_commands_need_no_file():
    """Without any file there are a list of commands, the uptime and a die."""
    world = SetWorld(chance=0.999)
    store = MemoryStore(world)
    texts = []
    for i, text in enumerate(["!commands", "!uptime", "!roll"]):
        sent = await deliver(service, an_envelope(id=f"e{i}", text=text, slip=["commands"]), store=store, world=world)
        texts.append(sent.envelope.replies[0].text)

    assert texts == ["Commands: !commands !dice !uptime", "I have been up for 0 s.", "An Admin User rolls a 6."]


def test_every_problem_of_a_file_is_named_with_its_place():
    """All problems at once, each with line and column."""
    with pytest.raises(RulesError) as refused:
        read_commands({"c.yaml": '- {name: a b, reply: x}\n- {name: ok, reply: "{user.token}"}\n- {name: ok, replay: x}\n'})

    found = [(problem.line, problem.code) for problem in refused.value.problems]
    assert found == [
        (1, "rules.bad_rule"),
        (2, "rules.unknown_variable"),
        (3, "rules.duplicate_id"),
        (3, "rules.bad_rule"),
        (3, "rules.unknown_key"),
    ]


def test_a_command_of_the_file_replaces_the_built_in_one():
    """The later file wins, with all words of the command that it replaces."""
    book = read_commands({"builtin": "- {name: dice, aliases: [roll], reply: a}", "own": "- {name: dice, reply: b}"})

    assert {word: command.replies for word, command in book.items()} == {"dice": ("b",)}


def test_a_bad_file_leaves_the_old_commands_in_force(tmp_path):
    """A file that is refused, or gone, changes nothing; a good one is taken over."""
    path, state, world = tmp_path / "c.yaml", CommandsState(), SetWorld()
    settings = CommandsSettings(path=str(path), builtin=False)
    told: list[str] = []

    def words(text: str | None) -> list[str]:
        path.unlink(missing_ok=True)
        if text is not None:
            path.write_text(text)
        world.later(2)
        return list(state.book(settings, now=world.now(), log=Heard(told)))

    assert words("- {name: a, reply: x}") == ["a"]
    assert words("- {name: b}") == ["a"]
    assert state.health["commands"].startswith("the file was refused")
    assert words(None) == ["a"]
    assert words("- {name: c, reply: x}") == ["c"]
    assert (told, state.trouble) == (["rules.bad_rule", "rules.unreadable"], "")


@pytest.mark.parametrize(("seconds", "words"), [(0, "0 s"), (59, "59 s"), (61, "1 min 1 s"), (3600, "1 h"), (90_061, "1 d 1 h")])
def test_a_span_is_told_in_its_two_largest_units(seconds, words):
    """Two units are enough."""
    world = SetWorld()
    world.later(seconds)

    assert spoken_span(NOON, world.now()) == words

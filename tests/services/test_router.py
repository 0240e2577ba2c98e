"""The router: the first rule that matches writes the slip; what it keeps; and its files."""

import asyncio
import os
from datetime import timedelta

import pytest

from bitbrat.adapters.memory_store import MemoryStore
from bitbrat.envelope import MAX_REPLIES, Annotation, Reply, RoutingStep
from bitbrat.testing import Sent, an_envelope, deliver
from bitbrat.topics import Topic, TopicRegistry
from services.router import RouterSettings, Rulebook, service
from services.router.rulebook import watch
from tests.services.clock import NOON, SetWorld

RULES = """
- id: quest
  match: {command: "!quest", role: ">=viewer"}
  slip: [quest, {step: announce, optional: true, maxAttempts: 5, attributes: {voice: loud}}]
  reply: "Off you go, {user.displayName}!"
  annotate: {kind: mood, label: brave}
  deadline: 30s
- {id: first, priority: 1, match: {command: "!both"}, slip: [a]}
- {id: second, priority: 2, match: {command: "!both"}, slip: [b]}
- {id: lurk, match: {command: "!lurk"}, cooldown: {user: 10s, reply: once}, reply: ["bye", "so long"]}
- {id: race, match: {command: "!race"}, cooldown: {global: 10s, reply: react}, slip: [race], reply: go}
- {id: hush, match: {command: "!hush"}, cooldown: {user: 10s}, slip: [hush]}
- {id: visits, match: {command: "!visits"}, reply: "visit {count}"}
- {id: live, match: {command: "!live", live: true}, slip: [a]}
"""


STEPS = ("quest", "announce", "a", "b", "race", "hush", "llm")


class Router:
    """A router with its rules, a store and a clock of its own."""

    def __init__(self, path, **settings) -> None:
        self.world = SetWorld()
        self.store = MemoryStore(self.world)
        self.settings = RouterSettings(rules=str(path), **settings)
        self.sent = 0

    async def route(self, text: str, **changes) -> Sent:
        """What it sent for a message."""
        self.sent += 1
        envelope = an_envelope(**{"id": f"e{self.sent}", "text": text, **changes})
        return await deliver(service, envelope, store=self.store, settings=self.settings, world=self.world, steps=STEPS)

    async def said(self, text: str, **changes) -> list[str | None]:
        """The texts of the replies."""
        return [reply.text for reply in (await self.route(text, **changes)).envelope.replies]


class Heard:
    """A log that keeps what it was told."""

    def __init__(self) -> None:
        self.errors: list[str] = []
        self.warnings: list[str] = []

    def info(self, event, **fields):
        """Not kept."""

    def warning(self, event, **fields):
        """Kept by its code or event."""
        self.warnings.append(fields.get("code", event))

    def error(self, event, **fields):
        """Kept by its code."""
        self.errors.append(fields["code"])


@pytest.fixture
def path(tmp_path):
    """A file with the rules above."""
    found = tmp_path / "rules.yaml"
    found.write_text(RULES)
    return found


@pytest.fixture
def router(path) -> Router:
    """A router with these rules."""
    return Router(path)


async def test_the_matched_rule_writes_the_slip(router):
    """Steps come at the end of the slip, with what the rule says of them and the rule's id."""
    sent = await router.route("!quest")

    assert sent.topic == "internal.quest.v1"
    quest, announce = sent.envelope.routing_slip
    assert (quest.id, quest.status, quest.attributes, quest.max_attempts) == ("quest", "PENDING", {"rule": "quest"}, 3)
    assert (announce.optional, announce.max_attempts, announce.attributes["voice"]) == (True, 5, "loud")
    assert "maxAttempts" not in quest.to_wire()


async def test_the_matched_rule_says_notes_and_bounds(router):
    """Replies, annotations and the deadline of the rule are on the envelope, in the rule's name."""
    envelope = (await router.route("!quest")).envelope

    assert [(reply.text, reply.by) for reply in envelope.replies] == [("Off you go, An Admin User!", "router/quest")]
    assert [(note.kind, note.label, note.by) for note in envelope.annotations][1:] == [("mood", "brave", "router/quest")]
    assert envelope.deadline == NOON + timedelta(seconds=30)


async def test_an_earlier_deadline_stays(router):
    """A rule never gives a message more time than it has."""
    envelope = (await router.route("!quest", deadline=NOON + timedelta(seconds=5))).envelope

    assert envelope.deadline == NOON + timedelta(seconds=5)


async def test_why_the_rule_matched_is_kept_with_the_message(router):
    """Rule, version, the hash of all rules, and the tree with the values."""
    note = (await router.route("!quest")).envelope.annotations[0]

    assert (note.kind, note.label, note.by) == ("route", "quest", "router")
    assert len(note.data["version"]) == len(note.data["ruleset"]) == 8
    assert note.data["why"] == 'command=="!quest" ✓ role>=viewer ✓'
    assert note.data["explain"]["result"] == "true"


async def test_the_first_rule_by_priority_wins(router):
    """Two rules match; the lower number counts, and only it."""
    sent = await router.route("!both")

    assert [step.id for step in sent.envelope.routing_slip] == ["a"]


async def test_a_rule_that_fired_does_not_fire_again(router):
    """After a reroute the next rule gets its turn."""
    done = RoutingStep(id="a", status="OK", destination="internal.a.v1", attributes={"rule": "first", "reroute": "not mine"})
    sent = await router.route("!both", slip=[done])

    assert [(step.id, step.attributes["rule"]) for step in sent.envelope.routing_slip] == [("a", "first"), ("b", "second")]


async def test_a_rule_without_steps_does_not_fire_again_either(router):
    """That it fired is known from its note."""
    before = Annotation(kind="route", label="visits", by="router")
    sent = await router.route("!visits", annotations=(before,))

    assert sent.envelope.replies == ()


async def test_only_the_routers_own_note_says_that_a_rule_fired(router):
    """A step cannot keep a rule from firing by a note that looks like the router's."""
    sent = await router.route("!visits", annotations=(Annotation(kind="route", label="visits", by="mood"),))

    assert [reply.text for reply in sent.envelope.replies] == ["visit 1"]


async def test_a_message_without_a_rule_completes(router):
    """No match and no default: the envelope is through, and says under which rules."""
    sent = await router.route("good morning")

    assert (sent.topic, sent.envelope.status, sent.envelope.routing_slip) == ("internal.complete.v1", None, ())
    assert [(note.kind, note.label, list(note.data)) for note in sent.envelope.annotations] == [("route", None, ["ruleset"])]


async def test_a_message_without_a_rule_gets_the_default_slip(path):
    """The default slip is for messages that come for the first time only."""
    router = Router(path, default_slip=("llm",))
    first = await router.route("good morning")
    again = await router.route(
        "good morning", slip=[RoutingStep(id="llm", status="OK", destination="internal.llm.v1", attributes={"reroute": "no"})]
    )

    assert (first.topic, [step.id for step in first.envelope.routing_slip]) == ("internal.llm.v1", ["llm"])
    assert again.topic == "internal.complete.v1"


async def test_a_rule_that_only_replies_goes_to_egress(router):
    """A whole feature without code: a reply, no step."""
    sent = await router.route("!visits")

    assert (sent.topic, sent.envelope.replies[0].text) == ("internal.egress.v1", "visit 1")


async def test_a_variable_without_a_source_never_matches(router):
    """Nobody can tell yet whether the stream is live."""
    assert (await router.route("!live")).topic == "internal.complete.v1"


async def test_a_resting_rule_tells_once(router):
    """Once: the first try is told how long, the next is not; after the rest it fires again, with another reply."""
    heard = [await router.said("!lurk"), await router.said("!lurk"), await router.said("!lurk")]
    router.world.later(10)
    heard.append(await router.said("!lurk"))

    assert heard == [["bye"], ["An Admin User, please wait 10 s."], [], ["so long"]]


async def test_a_resting_rule_writes_no_slip_and_says_why(router):
    """Silent: no steps, no reply; the trace says how long it rests."""
    await router.route("!hush")
    sent = await router.route("!hush")

    assert (sent.topic, sent.envelope.routing_slip, sent.envelope.replies) == ("internal.complete.v1", (), ())
    assert sent.envelope.annotations[0].data["resting"] == 10
    assert sent.envelope.annotations[0].data["why"].endswith("(resting for 10 s)")


async def test_a_rule_that_rests_for_everybody_reacts(router):
    """React: the seconds that are left, each time."""
    heard = [await router.said("!race") for _ in range(3)]

    assert heard == [["go"], ["⏳ 10 s"], ["⏳ 10 s"]]


async def test_a_simulated_message_uses_up_no_real_cooldown(router):
    """The simulator has cooldowns of its own."""
    assert await router.said("!race", simulated=True) == ["go"]
    assert await router.said("!race") == ["go"]


async def test_a_message_that_is_delivered_twice_starts_one_cooldown_only(router):
    """The second delivery runs nothing: the reply counter stands at one."""
    await router.route("!visits", id="same")
    with pytest.raises(AssertionError, match="sent nothing"):
        await router.route("!visits", id="same")

    assert await router.said("!visits") == ["visit 2"]


async def test_a_slip_that_would_be_too_long_is_a_dead_letter(router):
    """32 steps are the limit, whoever writes them."""
    slip = [RoutingStep(id="s", status="OK", destination="internal.s.v1") for _ in range(31)]
    sent = await router.route("!quest", slip=slip)

    assert (sent.topic, sent.reason) == ("internal.dlq.v1", "slip.too_long")


async def test_a_17th_reply_is_a_dead_letter(router):
    """16 replies are the limit, whoever writes them."""
    sent = await router.route("!visits", replies=tuple(Reply(kind="chat", text="x", by="s") for _ in range(MAX_REPLIES)))

    assert (sent.topic, sent.reason) == ("internal.dlq.v1", "envelope.too_large")


def book_of(settings: RouterSettings, registry: TopicRegistry | None = None) -> tuple[Rulebook, Heard, bool]:
    """A rulebook, loaded once."""
    book, log = Rulebook(), Heard()
    return book, log, book.load(settings, registry=registry or TopicRegistry(), log=log)


def test_every_problem_of_every_file_is_named_and_the_old_rules_stay(tmp_path):
    """A folder is taken over as a whole or not at all."""
    (tmp_path / "a.yaml").write_text("- {id: one, match: {command: '!a'}, reply: x}")
    settings = RouterSettings(rules=str(tmp_path))
    book, log, good = book_of(settings)
    (tmp_path / "b.yaml").write_text("- {id: two}\n- {id: three, match: {comand: x}}\n")
    (tmp_path / "c.yml").write_text("- \tx")

    assert good
    assert book.changed(settings)
    assert not book.load(settings, registry=TopicRegistry(), log=log)
    assert log.errors == ["rules.bad_rule", "rules.unknown_key", "rules.bad_yaml"]
    assert [rule.id for rule in book.rules] == ["one"]
    assert book.trouble.startswith("the rules were refused, 1 older ones are in force:")
    assert "b.yaml:1:3" in book.health["rules"]


@pytest.mark.parametrize("how", ["deleted", "folder gone", "symlink loop", "unreadable", "half written"])
def test_files_that_go_bad_leave_the_old_rules(tmp_path, how):
    """Row 85: replaced in mid-write, deleted, unreadable, a symlink loop: the old rules stay, and the health detail says so."""
    place = tmp_path / "mine"
    place.mkdir()
    file = place / "a.yaml"
    file.write_text("- {id: one, match: {command: '!a'}, reply: x}\n")
    settings = RouterSettings(rules=str(place if how == "folder gone" else file))
    book, log, _ = book_of(settings)
    if how == "half written":
        file.write_text("- {id: one, match: {comm")
    else:
        file.unlink()
    if how == "folder gone":
        place.rmdir()
    elif how == "symlink loop":
        file.symlink_to(file)
    elif how == "unreadable":
        file.mkdir()
        (file / "x.yaml").mkdir()

    assert book.changed(settings)
    assert not book.load(settings, registry=TopicRegistry(), log=log)
    assert [rule.id for rule in book.rules] == ["one"]
    assert book.trouble


def test_the_default_folder_need_not_be_there(tmp_path, monkeypatch):
    """Without settings and without a folder there are no rules, and nothing is wrong."""
    monkeypatch.chdir(tmp_path)
    book, log, good = book_of(RouterSettings())

    assert (good, len(book.rules), book.problems, log.errors) == (True, 0, (), [])
    assert book.health["rules"].startswith("0 in force")


def test_a_named_file_that_is_not_there_is_a_problem(tmp_path):
    """Whoever names a file means it."""
    _, log, good = book_of(RouterSettings(rules=str(tmp_path / "none.yaml")))

    assert (good, log.errors) == (False, ["rules.unreadable"])


@pytest.mark.parametrize(
    ("strict", "complete", "good"), [(None, True, False), (None, False, True), (True, False, False), (False, True, True)]
)
def test_a_step_that_nobody_has_is_refused_where_all_steps_are_known(path, strict, complete, good):
    """Where other processes may have more steps, a rule may name them."""
    registry = TopicRegistry()
    registry.complete = complete
    registry.add(Topic("internal.quest.v1", "step"), step="quest")
    _, log, loaded = book_of(RouterSettings(rules=str(path), strict_steps=strict), registry)

    assert loaded is good
    assert set(log.errors) == (set() if good else {"rules.unknown_service"})


async def test_a_changed_file_is_taken_over(path):
    """The watcher looks again and again; a good file counts from then on, a bad one never."""
    settings, log, book = RouterSettings(rules=str(path), reload_seconds=0.01), Heard(), Rulebook()
    watching = asyncio.create_task(watch(book, settings, registry=TopicRegistry(), log=log))

    async def until(count: int) -> None:
        async with asyncio.timeout(10):
            while len(book.rules) != count:
                await asyncio.sleep(0.01)

    await until(8)
    path.with_suffix(".new").write_text("- {id: only, match: {}, reply: x}")
    os.replace(path.with_suffix(".new"), path)
    await until(1)
    watching.cancel()

    assert not book.trouble


async def test_a_fault_is_said_once_for_each_reason(tmp_path):
    """A rule that cannot be evaluated does not match; the log is not filled with it."""
    path = tmp_path / "r.yaml"
    path.write_text('- {id: odd, match: {when: {">": [{"+": [{"var": "payload.n"}, 1]}, 2]}}, reply: x}')
    book, log, _ = book_of(RouterSettings(rules=str(path)))
    for _ in range(3):
        book.fault("odd", "not a number", log)

    assert log.warnings == ["rules.fault"]
    assert (await Router(path).route("hi", payload={"n": "many"})).topic == "internal.complete.v1"


async def test_what_was_handled_already_gets_no_new_steps(tmp_path):
    """A step behind a status could never run; the envelope goes on to its completion."""
    path = tmp_path / "rules.yaml"
    path.write_text(RULES)

    sent = await Router(path).route("!quest", status="HANDLED")

    assert sent.topic == "internal.complete.v1"
    assert sent.envelope.routing_slip == ()

"""Topic names: the grammar, who reads what, and the registry of a deployment."""

import pytest

from bitbrat import topics
from bitbrat.errors import BitBratError, ConfigError, SlipError
from bitbrat.topics import PLATFORM, Topic, TopicRegistry
from tests.unit.test_codec import DESTINATIONS


@pytest.mark.parametrize(
    "name",
    [
        *(
            "internal.ingress.v1",
            "internal.egress.twitch.v1",
            "internal.a-b.v1",
            "internal.0.v999",
            "internal.a.-.v1",
            "internal.a.b.c.d.v0",
        ),
        *("internal." + "a" * 63 + ".v1", "internal.a." + "b" * 63 + ".v1"),
    ],
)
def test_a_topic_name(name: str) -> None:
    """``internal.<name>[.<qualifier>…].v<N>``, lower case."""
    assert topics.is_topic(name)


@pytest.mark.parametrize("name", DESTINATIONS, ids=ascii)
def test_not_a_topic_name(name: str) -> None:
    """Broker subjects, wildcards, spaces, line ends, look-alikes: in Python as in the schema."""
    assert not topics.is_topic(name)


@pytest.mark.parametrize(
    ("name", "egress"),
    [
        *(
            ("internal.egress.v1", True),
            ("internal.egress.twitch.v1", True),
            ("internal.egress.a.b.v1", False),
            ("internal.egress.v2", False),
        ),
        *(
            ("internal.egress1.v1", False),
            ("internal.complete.v1", False),
            ("internal.egress.v1\n", False),
            ("x.internal.egress.v1", False),
        ),
    ],
)
def test_replies_go_to_egress_topics_only(name: str, egress: bool) -> None:
    """The common one, or one of a configured connection."""
    assert topics.is_egress(name) is egress


def test_a_connection_has_its_own_egress_topic() -> None:
    """Without a connection it is the common one."""
    assert (topics.egress_topic("twitch"), topics.egress_topic()) == ("internal.egress.twitch.v1", "internal.egress.v1")


def test_a_step_listens_on_its_name() -> None:
    """Unless its service says otherwise."""
    assert topics.step_topic("greeter") == "internal.greeter.v1"


def test_who_reads_the_platforms_topics() -> None:
    """Each has one role; a step's topic has none."""
    names = [topic.name for topic in PLATFORM] + ["internal.egress.twitch.v1", "internal.greeter.v1", "internal.finalizer.v1"]

    roles = [topics.platform_role(name) for name in names]

    assert roles == ["auth", "router", "router", "egress", "finalizer", "dlq", "egress", None, None]


def test_the_platforms_topics_and_their_classes() -> None:
    """One ingress, hops as steps, completion and dead letters as logs."""
    assert {topic.name: topic.kind for topic in PLATFORM} == {
        "internal.ingress.v1": "ingress",
        "internal.authenticated.v1": "step",
        "internal.reroute.v1": "step",
        "internal.egress.v1": "step",
        "internal.complete.v1": "log",
        "internal.dlq.v1": "log",
    }


def test_a_registry_begins_with_the_platforms_topics() -> None:
    """They exist before any service does."""
    registry = TopicRegistry()

    assert list(registry) == list(PLATFORM)
    assert "internal.dlq.v1" in registry
    assert "internal.greeter.v1" not in registry
    assert registry.get("internal.greeter.v1") is None


def test_a_log_topic_has_any_number_of_groups() -> None:
    """In the order in which they came, each once."""
    registry = TopicRegistry()

    for group in ("finalizer", "audit", "finalizer"):
        registry.add(Topic("internal.complete.v1", "log", (group,)))

    assert registry.get("internal.complete.v1") == Topic("internal.complete.v1", "log", ("finalizer", "audit"))


@pytest.mark.parametrize(("name", "kind"), [("internal.greeter.v1", "step"), ("internal.ingress.v1", "ingress")])
def test_a_step_or_ingress_topic_has_one_group(name: str, kind: topics.TopicClass) -> None:
    """The same group may come again; a second one is refused."""
    registry = TopicRegistry()
    registry.add(Topic(name, kind, ("a",)))
    registry.add(Topic(name, kind, ("a",)))

    with pytest.raises(ConfigError) as refused:
        registry.add(Topic(name, kind, ("b",)))

    assert refused.value.code == "config.two_groups"
    assert registry.get(name) == Topic(name, kind, ("a",))


@pytest.mark.parametrize("topic", [Topic("internal.dlq.v1", "step"), Topic("Internal.x.v1", "step")], ids=["two classes", "not a name"])
def test_a_topic_that_cannot_be(topic: Topic) -> None:
    """One name has one class, and follows the grammar."""
    with pytest.raises(ConfigError) as refused:
        TopicRegistry().add(topic)

    assert refused.value.code == "config.bad"


def test_a_step_is_found_by_its_name() -> None:
    """Where its service says, else on its own name's topic if there is one."""
    registry = TopicRegistry([*PLATFORM, Topic("internal.plain.v1", "step")])
    registry.add(Topic("internal.special.place.v2", "step"), step="special")

    assert (registry.topic_of("special"), registry.topic_of("plain")) == ("internal.special.place.v2", "internal.plain.v1")
    assert registry.steps() == {"special": "internal.special.place.v2"}


def test_a_step_that_nobody_has() -> None:
    """``slip.unroutable``, with its name."""
    with pytest.raises(SlipError, match="'llm'") as refused:
        TopicRegistry().topic_of("llm")

    assert isinstance(refused.value, BitBratError)
    assert refused.value.code == "slip.unroutable"

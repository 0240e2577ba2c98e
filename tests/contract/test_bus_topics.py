"""What every bus promises of topics and groups: made once, compared, one group for a step."""

from __future__ import annotations

import pytest

from bitbrat.errors import BitBratError, ConfigError
from bitbrat.topics import Topic
from tests.contract.buses import LOG, STEP, TOPICS, BusRig, message


async def test_every_topic_that_was_ensured_exists(kind: BusRig) -> None:
    """Names and classes, as they were asked for."""
    bus = await kind.open()

    assert {name: of for name, of in (await bus.topics()).items() if name in {topic.name for topic in TOPICS}} == {
        topic.name: topic.kind for topic in TOPICS
    }


async def test_ensuring_twice_changes_nothing(kind: BusRig) -> None:
    """What waits there still waits there."""
    bus = await kind.open()
    await bus.publish(STEP, message("waits"))

    await bus.ensure(TOPICS)

    assert (await kind.listen(bus).next()).headers["bb-wire-id"] == "waits"


async def test_a_second_group_on_a_step_topic_is_refused(kind: BusRig) -> None:
    """Two services that want one step topic would each get half."""
    bus = await kind.open()

    with pytest.raises(ConfigError) as caught:
        await bus.ensure([Topic(STEP, "step", ("another",))])

    assert caught.value.code == "config.two_groups"


async def test_nor_may_a_second_group_consume_it(kind: BusRig) -> None:
    """The refusal does not depend on who ensured what."""
    bus = await kind.open()

    with pytest.raises(ConfigError) as caught:
        await anext(bus.consume(STEP, "another", max_in_flight=1))

    assert caught.value.code == "config.two_groups"


async def test_two_groups_at_once_for_a_step_topic_are_refused(kind: BusRig) -> None:
    """Also when the topic is new."""
    bus = await kind.open()

    with pytest.raises(ConfigError) as caught:
        await bus.ensure([Topic("internal.fresh.v1", "step", ("one", "two"))])

    assert caught.value.code == "config.two_groups"


async def test_a_topic_of_another_class_is_refused(kind: BusRig) -> None:
    """A log that somebody takes for a step would keep, or lose, what it must not."""
    bus = await kind.open()

    with pytest.raises(ConfigError) as caught:
        await bus.ensure([Topic(LOG, "step", ("step",))])

    assert caught.value.code == "config.breaks_promise"


async def test_a_topic_that_does_not_exist_takes_nothing(kind: BusRig) -> None:
    """Nothing is swallowed by a name that nobody listens to."""
    bus = await kind.open()

    with pytest.raises(BitBratError) as caught:
        await bus.publish("internal.nowhere.v1", message("lost"))

    assert caught.value.code == "slip.unroutable"


async def test_a_topic_that_does_not_exist_cannot_be_consumed(kind: BusRig) -> None:
    """A service that listens to a misspelt name learns of it."""
    bus = await kind.open()

    with pytest.raises(BitBratError) as caught:
        await anext(bus.consume("internal.nowhere.v1", "step", max_in_flight=1))

    assert caught.value.code == "slip.unroutable"


async def test_a_new_group_of_a_log_gets_what_is_kept(kind: BusRig) -> None:
    """A reader that comes later begins with what is still there."""
    bus = await kind.open()
    await bus.publish(LOG, message("history"))
    await bus.ensure([Topic(LOG, "log", ("late",))])

    assert (await kind.listen(bus, LOG, "late").next()).headers["bb-wire-id"] == "history"

"""Topics and groups as streams and durables: made, compared, looked at again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bitbrat.adapters import nats_shapes as shapes
from bitbrat.adapters.nats_api import NO_ROOM, NO_ROOM_AT_ALL, NOT_UNIQUE, Api, Refused
from bitbrat.adapters.nats_lock import held
from bitbrat.adapters.nats_names import CLASSES, Names, Reader, group_of
from bitbrat.adapters.topology import no_topic, one_group, same_class
from bitbrat.errors import BusError, ConfigError
from bitbrat.topics import Topic, TopicClass
from bitbrat.world import World

NEXT = "$JS.API.CONSUMER.MSG.NEXT."


class Topology:
    """What there is on the server. ``known`` is what was last seen; other processes may have made more since."""

    def __init__(self, api: Api, names: Names, shape: shapes.Shape, world: World) -> None:
        self.known: dict[str, TopicClass] = {}
        self.names = names
        self._api = api
        self._shape = shape
        self._world = world
        self._ensured: set[str] = set()
        self._attached: set[Reader] = set()

    async def read(self) -> Mapping[str, TopicClass]:
        """Every topic that there is, from the subjects of our streams."""
        found: dict[str, TopicClass] = {}
        for kind in CLASSES:
            config = await self._stream(kind)
            for subject in (config or {}).get("subjects", []):
                if (topic := self.names.topic(subject)) is not None:
                    found[topic] = kind
        self.known = found
        return found

    async def ensure(self, topics: Iterable[Topic]) -> None:
        """Make what is missing, put right what may be, refuse the rest. See ``Bus.ensure``."""
        asked = list(topics)
        for topic in asked:
            for group in topic.groups:
                one_group(topic.name, topic.kind, topic.groups, group)
        known = await self.read()
        for topic in asked:
            same_class(topic, known.get(topic.name, topic.kind))
        for kind in CLASSES:
            if wanted := {self.names.subject(topic.name) for topic in asked if topic.kind == kind}:
                await self._ensure_stream(kind, wanted)
        await self.read()
        self._ensured |= {topic.name for topic in asked}
        for topic in asked:
            for group in topic.groups:
                await self.attach(Reader(topic.name, group))

    async def kind_of(self, topic: str) -> TopicClass:
        """The class of a topic; looked for once more before it is said not to be there. Raises ``slip.unroutable``."""
        if topic not in self.known:
            await self.read()
        if topic not in self.known:
            raise no_topic(topic)
        return self.known[topic]

    async def attach(self, reader: Reader) -> str:
        """Be sure of the durable of a group; returns the subject on which it is asked for messages.

        The first time it is made where it is missing; one that was there and is gone is not made again.

        Raises ``config.two_groups``, ``config.breaks_promise``, ``slip.unroutable``, ``bus.changed``.
        """
        if reader in self._attached:
            return NEXT + await self._still_there(reader)
        kind = await self.kind_of(reader.topic)
        config = shapes.consumer(self.names, reader, self._shape)
        where = f"{self.names.stream(kind)}.{config['durable_name']}"
        found = await self._api.config(f"CONSUMER.INFO.{where}")
        if found is None:
            found = await self._create(kind, reader, where, config)
        await self._settle_differences(f"consumer {where}", f"CONSUMER.DURABLE.CREATE.{where}", kind, config, found)
        self._attached.add(reader)
        return NEXT + where

    async def check(self) -> None:
        """Whether everything that this process uses is still there and as it was made. Raises what ``attach`` raises."""
        known = await self.read()
        if gone := self._ensured - known.keys():
            raise BusError("bus.changed", f"somebody has deleted {', '.join(sorted(gone))} from the NATS server")
        for kind in sorted(set(known.values())):
            found = await self._stream(kind) or {}
            wanted = shapes.stream(self.names, kind, (), self._shape)
            if wrong := {name: pair for name, pair in shapes.differences(wanted, found).items() if not shapes.changeable(kind)(name)}:
                raise shapes.refuse(f"stream {self.names.stream(kind)}", wrong)
        for reader in sorted(self._attached):
            await self._still_there(reader)

    async def _still_there(self, reader: Reader) -> str:
        known = self.known.get(reader.topic) or (await self.read()).get(reader.topic)
        wanted = shapes.consumer(self.names, reader, self._shape)
        where = f"{self.names.stream(known or 'step')}.{wanted['durable_name']}"
        found = await self._api.config(f"CONSUMER.INFO.{where}") if known else None
        if found is None:
            raise BusError("bus.changed", f"somebody has deleted the consumer of {reader.group} on {reader.topic} from the NATS server")
        if wrong := {name: pair for name, pair in shapes.differences(wanted, found).items() if name not in shapes.MAY_CHANGE}:
            raise shapes.refuse(f"consumer {where}", wrong)
        return where

    async def _stream(self, kind: TopicClass) -> shapes.Config | None:
        return await self._api.config(f"STREAM.INFO.{self.names.stream(kind)}")

    async def _ensure_stream(self, kind: TopicClass, subjects: set[str]) -> None:
        found = await self._stream(kind)
        if found is not None and not shapes.differences(shapes.stream(self.names, kind, subjects, self._shape), found):
            return
        async with held(self._api, self.names, self._world):
            await self._change_stream(kind, subjects)

    async def _change_stream(self, kind: TopicClass, subjects: set[str]) -> None:
        """The whole list of subjects is replaced by an update, so only one process at a time may do this."""
        name = self.names.stream(kind)
        found = await self._stream(kind)
        config = shapes.stream(self.names, kind, subjects | set((found or {}).get("subjects", [])), self._shape)
        try:
            found = found or (await self._api.ask(f"STREAM.CREATE.{name}", config))["config"]
            await self._settle_differences(f"stream {name}", f"STREAM.UPDATE.{name}", kind, config, found)
        except Refused as error:
            raise _not_made(name, error) from None

    async def _create(self, kind: TopicClass, reader: Reader, where: str, config: shapes.Config) -> shapes.Config:
        stream = self.names.stream(kind)
        others = {group_of(name, reader.topic) for name in await self._api.consumers(stream)}
        one_group(reader.topic, kind, sorted(group for group in others if group is not None), reader.group)
        try:
            made: shapes.Config = (await self._api.ask(f"CONSUMER.DURABLE.CREATE.{where}", {"stream_name": stream, "config": config}))[
                "config"
            ]
        except Refused as error:
            if error.number == NOT_UNIQUE:  # another process was faster, or somebody's own consumer reads it
                raise ConfigError("config.two_groups", f"topic {reader.topic} is read by another consumer on the NATS server") from None
            raise
        return made

    async def _settle_differences(
        self, what: str, update: str, kind: TopicClass, config: shapes.Config, found: Mapping[str, object]
    ) -> None:
        """Change what may be changed; raises when anything else differs, or still does."""
        differing = shapes.differences(config, found)
        if not differing:
            return
        if not all(map(shapes.changeable(kind), differing)):
            raise shapes.refuse(what, differing)
        wanted = {**found, **{name: config[name] for name in differing}}
        body = wanted if what.startswith("stream") else {"stream_name": self.names.stream(kind), "config": wanted}
        said = (await self._api.ask(update, body))["config"]
        if left := shapes.differences(config, said):
            raise shapes.refuse(what, left)


def _not_made(name: str, error: Refused) -> ConfigError:
    if error.number in (NO_ROOM, NO_ROOM_AT_ALL):
        return ConfigError(
            "config.breaks_promise",
            f"the NATS server has no room for the stream {name}: {error.message}",
            why="what is accepted must be kept",
            fix="give JetStream more room (max_file_store), or set BITBRAT_NATS__INGRESS_BYTES lower",
        )
    return ConfigError(
        "config.breaks_promise",
        f"the NATS server does not make or change the stream {name}: {error.message}",
        why="a topic whose messages another stream takes is not ours alone",
        fix="remove the stream that has these subjects, or set BITBRAT_TOPIC_PREFIX",
    )

"""How far the relay has come, as it writes it to Kafka together with the events."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import msgspec
import structlog
from aiokafka import (  # pyright: ignore[reportMissingTypeStubs]
    AIOKafkaConsumer,
    TopicPartition,
)
from aiokafka.errors import (  # pyright: ignore[reportMissingTypeStubs]
    KafkaError as ClientError,
)

from contracts.registry import PUBLISHED
from event_store.composite import part_for
from event_store.kafka.envelope import Record
from event_store.kafka.errors import KafkaUnavailable, MalformedRecord
from event_store.kafka.topics import Topics
from event_store.partitions import Mark, Partition
from event_store.port import Position

KEY = b"relay"

_TIMEOUT = 10.0
_FIRST_DELAY, _LONGEST_DELAY = 0.1, 5.0
_FIRST_LOOK_BACK = 16
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class WrittenMark:
    """A mark, which relay wrote it (each run of one has a name of its own), and when."""

    mark: Mark
    relay: str
    written_at: datetime


class _Written(msgspec.Struct):
    store: str
    position: str
    last: dict[str, str]
    partitions: dict[str, int]
    relay: str


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Written).decode


def mark_record(mark: Mark, relay: str, topics: Topics, at: datetime) -> Record:
    """The record by which the relay `relay` writes the mark."""
    last = {str(partition): str(position) for partition, position in mark.last.items()}
    counts = {category: topics.count_of(category) for category in PUBLISHED}
    written = _Written(mark.store, mark.position, last, counts, relay)
    return Record(topics.marks, 0, KEY, _encode(written), [], int(at.timestamp() * 1000))


def decode_mark(value: bytes, milliseconds: int, topics: Topics) -> WrittenMark:
    """The mark that a record holds, in the terms of today's partitions.

    Where the relay counted other partitions of a category then than `topics` does now, or did
    not know the category, all of today's are said to have their last event at the mark, since
    any of them may.

    Raises:
        MalformedRecord: the relay wrote no such thing.
    """
    try:
        it = _decode(value)
    except (msgspec.MsgspecError, ValueError) as error:
        raise MalformedRecord(f"a record is no mark: {error}") from error
    mark = Mark(it.store, Position(it.position), _last(it, topics))
    return WrittenMark(mark, it.relay, datetime.fromtimestamp(milliseconds / 1000, UTC))


def _last(written: _Written, topics: Topics) -> Mapping[Partition, Position]:
    last: dict[Partition, Position] = {}
    for name, position in written.last.items():
        partition = Partition.parse(name)
        if partition is None:
            raise MalformedRecord(f"a mark names {name}, which is no partition")
        if partition.of == topics.count_of(partition.category):
            last[partition] = Position(position)
    for category in PUBLISHED:
        reached = part_for(written.position, category)
        if written.partitions.get(category) != topics.count_of(category) and reached:
            last.update(dict.fromkeys(topics.partitions_of(category), Position(reached)))
    return last


class MarksReader:
    """Reads committed marks; an async context, for one task at a time."""

    def __init__(self, servers: str, topics: Topics) -> None:
        """Prepare; entering it connects. The topics must have been prepared."""
        self._topics = topics
        self._partition = TopicPartition(topics.marks, 0)
        self._consumer: Any = AIOKafkaConsumer(
            bootstrap_servers=servers,
            enable_auto_commit=False,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            request_timeout_ms=int(_TIMEOUT * 1000),
        )

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            KafkaUnavailable: nobody answers.
        """
        try:
            await self._consumer.start()
        except ClientError as error:
            await self._consumer.stop()
            raise KafkaUnavailable(str(error)) from error
        except BaseException:
            await self._consumer.stop()
            raise
        self._consumer.assign([self._partition])
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go of the connection."""
        await self._consumer.stop()

    async def end(self) -> int:
        """Where committed marks end now: it moves when something is committed or aborted.

        Raises:
            KafkaUnavailable: nobody answers.
        """
        try:
            async with asyncio.timeout(_TIMEOUT):
                ends: Mapping[Any, int] = await self._consumer.end_offsets([self._partition])
                return ends[self._partition]
        except (ClientError, TimeoutError) as error:
            raise KafkaUnavailable(f"the relay's marks can't be read: {error}") from error

    async def last(self) -> WrittenMark | None:
        """The last committed mark; `coming` goes on after it. None: there is none.

        Raises:
            KafkaUnavailable: nobody answers.
        """
        try:
            async with asyncio.timeout(_TIMEOUT):
                return await self._last(await self.end())
        except (ClientError, TimeoutError) as error:
            raise KafkaUnavailable(f"the relay's marks can't be read: {error}") from error

    async def _last(self, end: int) -> WrittenMark | None:
        begins: Mapping[Any, int] = await self._consumer.beginning_offsets([self._partition])
        begin, look_back = begins[self._partition], _FIRST_LOOK_BACK
        while True:
            start, found = max(begin, end - look_back), None
            self._consumer.seek(self._partition, start)
            while await self._consumer.position(self._partition) < end:
                found = await self.coming(0.1) or found
            if found is not None or start == begin:
                return found
            look_back *= 16

    async def coming(self, seconds: float) -> WrittenMark | None:
        """The newest of the marks that come next, waiting for them at most so long.

        Raises:
            KafkaUnavailable: Kafka does not let us read them.
        """
        try:
            received: Mapping[Any, Sequence[Any]] = await self._consumer.getmany(
                timeout_ms=int(seconds * 1000)
            )
        except ClientError as error:
            raise KafkaUnavailable(f"the relay's marks can't be read: {error}") from error
        for record in reversed(received.get(self._partition, ())):
            if record.key == KEY:
                return self._decoded(record)
        return None

    def _decoded(self, record: Any) -> WrittenMark | None:
        try:
            return decode_mark(record.value, record.timestamp, self._topics)
        except MalformedRecord as error:
            _log.error("a mark of the relay is unreadable", offset=record.offset, error=str(error))
            return None


async def last_mark(servers: str, topics: Topics) -> WrittenMark | None:
    """The last mark that a relay committed; None: none has ever.

    Raises:
        KafkaUnavailable: Kafka can't be asked.
    """
    async with MarksReader(servers, topics) as marks:
        return await marks.last()


class MarksFollower:
    """Committed marks as they come, for those who read what the relay publishes."""

    def __init__(self, servers: str, topics: Topics) -> None:
        """Prepare; `follow` reads. The topics must have been prepared."""
        self._servers = servers
        self._topics = topics

    async def follow(self) -> AsyncGenerator[Mark]:
        """The last mark, if there is one, then each newest one; outages of Kafka are waited out."""
        failures = 0
        while True:
            try:
                async with (
                    MarksReader(self._servers, self._topics) as reader,
                    aclosing(_follow(reader)) as marks,
                ):
                    async for mark in marks:
                        failures = 0
                        yield mark
            except KafkaUnavailable as error:
                failures += 1
                delay = min(_LONGEST_DELAY, _FIRST_DELAY * 2 ** min(failures, 16))
                _log.warning("the relay's marks can't be followed for now", error=str(error))
                await asyncio.sleep(delay * random.uniform(0.5, 1))  # noqa: S311


async def _follow(reader: MarksReader) -> AsyncGenerator[Mark]:
    written = await reader.last()
    while True:
        if written is not None:
            yield written.mark
        written = await reader.coming(1.0)

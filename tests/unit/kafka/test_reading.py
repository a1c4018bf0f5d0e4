"""What the relay makes of deliveries, and of an event store that fails under it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from contracts.registry import PUBLISHED
from event_store.errors import EventStoreCorrupt, EventStoreUnavailable, InvalidPosition
from event_store.kafka.envelope import published_of
from event_store.kafka.reading import Batch, EventReader
from event_store.kafka.topics import Topics
from event_store.partitions import Mark
from event_store.port import Delivery, Position, RecordedEvent
from event_store.tasks import stop

TOPICS = Topics(counts=dict.fromkeys(PUBLISHED, 2))
AT = datetime(2026, 1, 5, 10, tzinfo=UTC)
ORDER = TOPICS.partition_of("order-1")


class Damaged(RecordedEvent):
    """As one of a damaged file: it can't say when it was recorded."""

    @property
    def recorded_at(self) -> Any:
        raise EventStoreCorrupt("recorded at no time")


class Store:
    """Gives what it was told to, then fails, or waits for ever."""

    def __init__(self, *script: Delivery | Exception, identity: str = "s") -> None:
        self.script = list(script)
        self.name = identity
        self.asked: list[Position | None] = []

    async def identity(self) -> str:
        return self.name

    async def subscribe(self, *, after: Position | None, **_: object) -> AsyncGenerator[Delivery]:
        self.asked.append(after)
        while self.script:
            step = self.script.pop(0)
            if isinstance(step, Exception):
                raise step
            yield step
        await asyncio.Event().wait()


def event(position: str, stream: str = "order-1", kind: type = RecordedEvent) -> RecordedEvent:
    plain = RecordedEvent(uuid4(), stream, 0, "X", b"{}", b"{}", Position(position), AT)
    if kind is RecordedEvent:
        return plain
    made = object.__new__(kind)
    for name in ("id", "stream", "version", "type", "data", "metadata", "position"):
        object.__setattr__(made, name, getattr(plain, name))
    return made


def delivery(position: str, *events: RecordedEvent) -> Delivery:
    return Delivery(events, Position(position), caught_up=True)


async def read(store: Store, mark: Mark | None, count: int) -> Sequence[Batch]:
    batches: asyncio.Queue[Batch] = asyncio.Queue()
    running = asyncio.create_task(EventReader(store, TOPICS, mark).run(batches.put))
    try:
        async with asyncio.timeout(10):
            return [await batches.get() for _ in range(count)]
    finally:
        await stop(running)


def previous(batches: Sequence[Batch]) -> list[str | None]:
    return [
        published_of(it.value, it.headers, TOPICS).previous
        for batch in batches
        for it in batch.records
    ]


async def test_deliveries_when_read_then_each_event_says_what_came_before_it():
    store = Store(delivery("3", event("1"), event("3")), delivery("4"), delivery("6", event("5")))
    batches = await read(store, None, 3)
    assert previous(batches) == [None, "1", "3"]
    assert [it.mark for it in batches] == [
        Mark("s", Position("3"), {ORDER: "3"}),
        Mark("s", Position("4"), {ORDER: "3"}),
        Mark("s", Position("6"), {ORDER: "5"}),
    ]


async def test_mark_when_read_on_from_then_what_was_last_before_it_is_known():
    store = Store(delivery("9", event("9")))
    batches = await read(store, Mark("s", Position("7"), {ORDER: Position("5")}), 1)
    assert store.asked == ["7"]
    assert previous(batches) == ["5"]


async def test_unpublished_streams_when_delivered_then_only_the_position_moves():
    store = Store(delivery("2", event("1", "session-1"), event("2", "nonsense")))
    (batch,) = await read(store, None, 1)
    assert batch.records == []
    assert batch.mark == Mark("s", Position("2"), {})


@pytest.mark.parametrize("error", [EventStoreUnavailable("away"), EventStoreCorrupt("damaged")])
async def test_event_store_when_it_fails_then_reading_goes_on_where_it_was(error: Exception):
    store = Store(delivery("1", event("1")), error, delivery("2", event("2")))
    batches = await read(store, None, 2)
    assert store.asked == [None, "1"]
    assert previous(batches) == [None, "1"]


async def test_delivery_with_a_damaged_event_when_mended_then_none_is_left_out():
    whole = delivery("2", event("1"), event("2"))
    half = replace(whole, events=(whole.events[0], event("2", kind=Damaged)))
    store = Store(half, whole)
    batches = await read(store, None, 1)
    assert store.asked == [None, None]
    assert previous(batches) == [None, "1"]


@pytest.mark.parametrize(
    ("error", "identity"),
    [(InvalidPosition("beyond the end"), "s"), (EventStoreUnavailable("moved"), "t")],
)
async def test_store_that_is_another_or_shorter_then_all_is_read_from_its_beginning(
    error: Exception, identity: str
):
    store = Store(error, delivery("1", event("1")), identity=identity)
    batches = await read(store, Mark("s", Position("7"), {ORDER: Position("5")}), 1)
    assert store.asked[-1] is None
    assert previous(batches) == [None]
    assert batches[0].mark == Mark(identity, Position("1"), {ORDER: "1"})

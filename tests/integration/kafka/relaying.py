"""Topics of a test's own, relays that publish to them, and what readers of them see."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from uuid import uuid4

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Message, TopicPartition
from confluent_kafka.admin import AdminClient

from contracts.registry import PUBLISHED
from event_store.kafka.admin import QUIET, prepare
from event_store.kafka.envelope import published_of
from event_store.kafka.marks import MarksFollower
from event_store.kafka.relay import Relay
from event_store.kafka.topics import Topics
from event_store.partitions import Mark, Partition, Published
from event_store.port import EventStore, RecordedEvent, WholeEventStore
from event_store.tasks import stop
from tests.contract.event_store.support import some, unique

PATIENCE = 60.0


@asynccontextmanager
async def own_topics(servers: str, **properties: object) -> AsyncIterator[Topics]:
    """Topics that no other test uses, deleted at the end."""
    topics = Topics(f"t{uuid4().hex[:8]}-", **{"partitions": 3, **properties})
    try:
        yield await prepare(servers, topics)
    finally:
        await asyncio.to_thread(_delete, servers, topics)


def _delete(servers: str, topics: Topics) -> None:
    client = AdminClient({"bootstrap.servers": servers, **QUIET})
    for deleted in client.delete_topics([*topics.of_events, topics.marks]).values():
        deleted.result(30)


@asynccontextmanager
async def running(*relays: Relay) -> AsyncIterator[list[asyncio.Task[None]]]:
    """These relays at work; what ended one is raised at the end."""
    tasks = [asyncio.create_task(relay.run()) for relay in relays]
    try:
        yield tasks
    finally:
        ended = [task for task in tasks if task.done() and not task.cancelled()]
        await stop(*tasks)
        for task in ended:
            task.result()


async def until(condition: Callable[[], bool]) -> None:
    """Return when it holds; for what nobody announces."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def until_published(servers: str, topics: Topics, store: EventStore) -> Mark:
    """The first mark that says that all is published that the store now holds."""
    head, identity = await store.head(), await store.identity()
    async with (
        asyncio.timeout(PATIENCE),
        aclosing(MarksFollower(servers, topics).follow()) as marks,
    ):
        async for mark in marks:
            if mark.store == identity and (head is None or mark.position >= head):
                return mark
    raise AssertionError("marks have ended")


async def published(servers: str, topics: Topics) -> list[Published]:
    """All events that a reader of committed records sees, partition by partition."""
    messages = await asyncio.to_thread(committed, servers, topics.of_events)
    return [published_of(it.value(), it.headers() or [], topics) for it in messages]


def committed(servers: str, names: Sequence[str]) -> list[Message]:
    """All committed records of these topics, partition by partition, in order."""
    consumer = Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": uuid4().hex,
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            **QUIET,
        }
    )
    try:
        found = consumer.list_topics(timeout=30).topics
        wanted = [(name, number) for name in names for number in found[name].partitions]
        consumer.assign([TopicPartition(*it, OFFSET_BEGINNING) for it in wanted])
        return _to_the_ends(consumer, wanted)
    finally:
        consumer.close()


def _to_the_ends(consumer: Consumer, wanted: list[tuple[str, int]]) -> list[Message]:
    messages: dict[tuple[str, int], list[Message]] = {it: [] for it in wanted}
    left = set(wanted)
    while left:
        message = consumer.poll(30)
        assert message is not None, "Kafka does not answer"
        where = (message.topic(), message.partition())
        if message.error() is None:
            messages[where].append(message)
        else:
            assert message.error().code() == KafkaError._PARTITION_EOF, message.error()
            left.discard(where)
    return [message for partition in messages.values() for message in partition]


async def everything(store: EventStore) -> Sequence[RecordedEvent]:
    """What a relay has to publish of a store."""
    page = await store.read_all(categories=PUBLISHED, limit=1_000_000)
    return page.events


async def append_to_each(store: WholeEventStore, categories: Sequence[str], count: int = 3) -> None:
    """So many events to a stream of each category, and to one more of each."""
    for category in (*categories, *categories):
        await store.append(unique(category), some(count), expected=-1)


@asynccontextmanager
async def appending(store: WholeEventStore) -> AsyncIterator[None]:
    """Events come all the time, to few streams and many, public and secret."""

    async def append() -> None:
        busy, version = unique(), -1
        while True:
            category = random.choice(["order", "product", "stock", "session"])
            await store.append(unique(category), some(random.randint(1, 5)), expected=-1)
            version = (await store.append(busy, some(2), expected=version)).version

    task = asyncio.create_task(append())
    try:
        yield
    finally:
        await stop(task)
        assert task.cancelled() or task.exception() is None


async def assert_all_once(servers: str, topics: Topics, store: EventStore) -> None:
    """Readers of committed records see each event once, in order, with what came before it."""
    seen, there = await published(servers, topics), await everything(store)
    assert sorted(it.event.position for it in seen) == [it.position for it in there]
    by_position = {event.position: event for event in there}
    assert all(it.event == by_position[it.event.position] for it in seen)
    identity = await store.identity()
    for events in by_partition(seen).values():
        positions = [it.event.position for it in events]
        assert positions == sorted(positions)
        assert [it.previous for it in events] == [None, *positions[:-1]]
        assert all(it.store == identity for it in events)


def by_partition(seen: Sequence[Published]) -> Mapping[Partition, list[Published]]:
    """Events of each partition, in the order they were seen."""
    found: dict[Partition, list[Published]] = {}
    for it in seen:
        found.setdefault(it.partition, []).append(it)
    return found

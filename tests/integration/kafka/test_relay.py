"""What the relay publishes to a real Kafka, and what it does not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer
from confluent_kafka.admin import AdminClient, NewPartitions
from confluent_kafka.admin._config import ConfigResource

from contracts.registry import CATEGORIES, PUBLISHED
from event_store.errors import InvalidPosition
from event_store.kafka.admin import QUIET, prepare
from event_store.kafka.errors import KafkaUnavailable
from event_store.kafka.marks import last_mark
from event_store.kafka.relay import Relay
from event_store.kafka.topics import Topics
from event_store.port import NewEvent, Snapshot, WholeEventStore
from event_store.sqlite import SqliteEventStore
from tests.contract.event_store.support import event, some, unique
from tests.integration.kafka.relaying import (
    append_to_each,
    assert_all_once,
    by_partition,
    committed,
    everything,
    own_topics,
    published,
    running,
    until,
    until_published,
)
from tests.support.stores import KINDS, opened, place


@pytest.fixture
async def topics(kafka: str) -> AsyncIterator[Topics]:
    async with own_topics(kafka) as made:
        yield made


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[WholeEventStore]:
    async with opened(str(tmp_path / "events.db")) as it:
        yield it


async def relay_all(store: WholeEventStore, kafka: str, topics: Topics) -> None:
    async with running(Relay(store, kafka, topics)):
        await until_published(kafka, topics, store)


@pytest.mark.parametrize("kind", KINDS)
async def test_events_of_all_categories_when_relayed_then_public_ones_are_there_once_in_order(
    kind: str, kafka: str, topics: Topics, tmp_path: Path
):
    async with place(kind, tmp_path) as address, opened(address) as store:
        await append_to_each(store, tuple(CATEGORIES), 2)
        await store.save_snapshot(Snapshot("order-1", 1, "f", b"secret-state"))
        await store.save_checkpoint("a policy", (await everything(store))[0].position)
        # The development server tells of what it passed over only now and then.
        await append_to_each(store, PUBLISHED)
        async with running(Relay(store, kafka, topics)):
            await until_relayed(kafka, topics, len(await everything(store)))
        await assert_all_once(kafka, topics, store)
        assert {it.partition.category for it in await published(kafka, topics)} == set(PUBLISHED)


async def until_relayed(kafka: str, topics: Topics, count: int) -> None:
    async with asyncio.timeout(30):
        while len(await published(kafka, topics)) < count:
            pass


async def test_secrets_when_relayed_then_no_topic_at_all_holds_anything_of_them(
    kafka: str, topics: Topics, store: WholeEventStore
):
    hidden = [name for name in CATEGORIES if name not in PUBLISHED]
    for category in CATEGORIES:
        new = replace(event(), data=b'{"in": "%s"}' % category.encode())
        await store.append(unique(category), [new], expected=-1)
    await relay_all(store, kafka, topics)
    client = AdminClient({"bootstrap.servers": kafka, **QUIET})
    names = [it for it in client.list_topics(timeout=30).topics if it.startswith(topics.prefix)]
    assert sorted(names) == sorted([*topics.of_events, topics.marks])
    values = [it.value() for it in await asyncio.to_thread(committed, kafka, names)]
    assert sum(b'"in": "' in value for value in values) == len(PUBLISHED)
    assert not any(b'"%s"' % it.encode() in value for it in hidden for value in values)


async def test_record_when_relayed_then_key_headers_time_and_partition_are_as_others_expect(
    kafka: str, topics: Topics, store: WholeEventStore
):
    for _ in range(20):
        await store.append(unique(), some(1), expected=-1)
    await relay_all(store, kafka, topics)
    topic = topics.topic_of("order")
    messages = await asyncio.to_thread(committed, kafka, [topic])
    events = {it.stream.partition("-")[2].encode(): it for it in await everything(store)}
    assert {it.key() for it in messages} == set(events)
    for message in messages:
        it = events[message.key()]
        headers = dict(message.headers() or [])
        assert headers["eventType"] == it.type.encode()
        assert headers["timestamp"] == it.recorded_at.isoformat().replace("+00:00", "Z").encode()
        assert message.timestamp()[1] == int(it.recorded_at.timestamp() * 1000)
    async with own_topics(kafka) as others:
        by_key = {it.key(): it.partition() for it in messages}
        assert await placed_by_a_plain_producer(kafka, others, list(by_key)) == by_key


async def placed_by_a_plain_producer(
    kafka: str, topics: Topics, keys: list[bytes]
) -> dict[bytes, int]:
    topic = topics.topic_of("order")
    async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
        sent = [await producer.send_and_wait(topic, b"{}", key) for key in keys]
    return {key: it.partition for key, it in zip(keys, sent, strict=True)}


async def test_relay_when_events_come_then_they_follow_and_so_does_the_position(
    kafka: str, topics: Topics, store: WholeEventStore
):
    relay = Relay(store, kafka, topics)
    async with running(relay):
        await until(lambda: relay.active)
        assert (relay.error, relay.last_published_at) == (None, None)
        await store.append("order-1", some(3), expected=-1)
        await until_published(kafka, topics, store)
        assert relay.published_up_to == (await everything(store))[-1].recorded_at
        published_at = relay.last_published_at
        await store.append("session-1", some(3), expected=-1)
        mark = await until_published(kafka, topics, store)
        assert (mark.position, relay.last_published_at) == (await store.head(), published_at)
    assert not relay.active
    await assert_all_once(kafka, topics, store)


async def test_relay_when_nothing_happens_then_its_marks_go_on(
    kafka: str, topics: Topics, store: WholeEventStore
):
    relay = Relay(store, kafka, topics, takeover=1.0)
    async with running(relay):
        await until_published(kafka, topics, store)
        first = await last_mark(kafka, topics)
        async with asyncio.timeout(10):
            while (written := await last_mark(kafka, topics)) == first:
                pass
        assert first is not None
        assert written is not None
        assert written.written_at > first.written_at
        assert written.mark == first.mark
        assert written.relay == relay.name


async def test_relay_when_started_again_then_it_goes_on_where_it_was(
    kafka: str, topics: Topics, store: WholeEventStore
):
    for _ in range(3):
        await append_to_each(store, PUBLISHED)
        await relay_all(store, kafka, topics)
    await assert_all_once(kafka, topics, store)


async def test_foreign_and_unreadable_events_when_relayed_then_none_is_left_out(
    kafka: str, topics: Topics, store: WholeEventStore
):
    odd = [(b"", b""), (b"\x00\xff", b"[]"), (b" {} ", b"null"), (b"{}", b'{"schemaVersion":"x"}')]
    new = [NewEvent(event().id, "Odd", data, metadata) for data, metadata in odd]
    await store.append("order-1", new, expected=-1)
    await store.append("order-", some(1), expected=-1)
    await relay_all(store, kafka, topics)
    await assert_all_once(kafka, topics, store)


async def test_largest_event_when_relayed_then_it_goes_through(
    kafka: str, topics: Topics, store: WholeEventStore
):
    # No JSON, and nothing that could be compressed.
    data = b"\xff" + bytes(n * n * 2654435761 >> 7 & 0xFF for n in range(1_047_000))
    await store.append("order-1", [NewEvent(event().id, "Large", data, b"{}")], expected=-1)
    await relay_all(store, kafka, topics)
    await assert_all_once(kafka, topics, store)


async def test_topics_when_made_then_as_the_settings_say(kafka: str):
    async with own_topics(kafka, partitions=5, retention_hours=1.5, compression="zstd") as topics:
        events = describe(kafka, topics.topic_of("order"))
        assert events["retention.ms"] == "5400000"
        assert events["compression.type"] == "zstd"
        assert events["cleanup.policy"] == "delete"
        assert describe(kafka, topics.marks)["cleanup.policy"] == "compact"
        assert topics.counts == dict.fromkeys(PUBLISHED, 5)
        again = await prepare(kafka, replace(topics, counts={}, partitions=9))
        assert again.counts == topics.counts
    async with own_topics(kafka, retention_hours=0, compression="none") as topics:
        events = describe(kafka, topics.topic_of("order"))
        assert (events["retention.ms"], events["compression.type"]) == ("-1", "uncompressed")


def describe(kafka: str, topic: str) -> dict[str, str]:
    client = AdminClient({"bootstrap.servers": kafka, **QUIET})
    (found,) = client.describe_configs([ConfigResource(ConfigResource.Type.TOPIC, topic)]).values()
    return {name: entry.value for name, entry in found.result(30).items()}


async def test_topics_that_need_more_brokers_then_it_says_so(kafka: str):
    with pytest.raises(KafkaUnavailable, match="replication factor"):
        await prepare(kafka, Topics(f"t{uuid4().hex[:8]}-", replication=3))


async def test_partitions_when_they_become_more_then_nothing_is_said_that_is_not_so(
    kafka: str, topics: Topics, store: WholeEventStore
):
    await store.append("order-1", some(3), expected=-1)
    await relay_all(store, kafka, topics)
    reached = await store.head()
    client = AdminClient({"bootstrap.servers": kafka, **QUIET})
    grown = client.create_partitions([NewPartitions(topics.topic_of("order"), 7)])
    for future in grown.values():
        future.result(30)
    more = await prepare(kafka, topics)
    await append_to_each(store, ["order"] * 10)
    async with running(Relay(store, kafka, topics)):
        mark = await until_published(kafka, more, store)
    seen = by_partition(await published(kafka, more))
    new = [it for events in seen.values() for it in events if it.event.position > reached]
    assert sorted(it.event.position for it in new) == [
        it.position for it in await everything(store) if it.position > reached
    ]
    first_of_each = [next(it for it in events if it in new) for events in seen.values()]
    assert all(it.previous >= reached for it in first_of_each)
    assert set(mark.last) == set(more.partitions_of("order"))
    assert all(position >= reached for position in mark.last.values())


async def test_another_store_when_relayed_then_all_of_it_is_published(
    kafka: str, topics: Topics, store: WholeEventStore, tmp_path: Path
):
    await append_to_each(store, PUBLISHED)
    await relay_all(store, kafka, topics)
    async with opened(str(tmp_path / "other.db")) as other:
        await append_to_each(other, PUBLISHED[:2], 1)
        async with running(Relay(other, kafka, topics)):
            mark = await until_published(kafka, topics, other)
        assert mark.store == await other.identity()
        of_the_other = [it for it in await published(kafka, topics) if it.store == mark.store]
        assert len(of_the_other) == len(await everything(other)) == 4
        assert {it.event.id for it in of_the_other} == {it.id for it in await everything(other)}
        first_of_each = [it for events in by_partition(of_the_other).values() for it in events[:1]]
        assert all(it.previous is None for it in first_of_each)


async def test_store_that_lost_its_tail_when_relayed_then_it_begins_anew(
    kafka: str, topics: Topics, tmp_path: Path
):
    file, copy = tmp_path / "events.db", tmp_path / "copy.db"
    async with opened(str(file)) as store:
        await append_to_each(store, PUBLISHED, 1)
    copy.write_bytes(file.read_bytes())
    async with opened(str(file)) as store:
        await append_to_each(store, PUBLISHED, 5)
        await relay_all(store, kafka, topics)
        beyond = await store.head()
    async with opened(str(copy)) as store:
        assert isinstance(store, SqliteEventStore)
        with pytest.raises(InvalidPosition):
            await store.read_all(after=beyond)
        await store.append("order-new", some(1), expected=-1)
        head = await store.head()
        async with running(Relay(store, kafka, topics)):
            while (written := await last_mark(kafka, topics)) and written.mark.position != head:
                pass
        seen = {it.event.id for it in await published(kafka, topics)}
        assert {it.id for it in await everything(store)} <= seen

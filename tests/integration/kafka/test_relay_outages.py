"""Kafka or the event store goes away and comes back: the relay waits, and loses nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from event_store.kafka.admin import prepare
from event_store.kafka.marks import last_mark
from event_store.kafka.relay import Relay
from event_store.kafka.topics import Topics
from event_store.port import WholeEventStore
from tests.contract.event_store.support import some
from tests.integration.kafka.relaying import (
    append_to_each,
    appending,
    assert_all_once,
    own_topics,
    running,
    until,
    until_published,
)
from tests.services.server import Server
from tests.support.eventstoredb import DevelopmentServer
from tests.support.stores import opened

TOPICS = Topics("shop-", 3)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[WholeEventStore]:
    async with opened(str(tmp_path / "events.db")) as it:
        yield it


@pytest.fixture
def event_store_server(tmp_path: Path) -> Iterator[DevelopmentServer]:
    server = DevelopmentServer(tmp_path / "server")
    server.start()
    yield server
    server.kill()


@pytest.mark.timeout(240)
async def test_broker_when_killed_and_started_again_under_load_then_each_event_is_there_once(
    kafka_server: Server, store: WholeEventStore
):
    kafka = kafka_server.address
    relay = Relay(store, kafka, TOPICS, takeover=3.0)
    async with running(relay):
        for is_long in (False, True):
            async with appending(store):
                await until_publishing(relay)
                await asyncio.to_thread(kafka_server.kill)
                if is_long:
                    await until(lambda: relay.error is not None)
                await asyncio.to_thread(kafka_server.start)
                await until_publishing(relay)
            await until(lambda: relay.error is None and relay.active)
            topics = await prepare(kafka, TOPICS)
            await until_published(kafka, topics, store)
    await assert_all_once(kafka, topics, store)


async def until_publishing(relay: Relay) -> None:
    before = relay.last_published_at
    await until(lambda: relay.last_published_at != before)


@pytest.mark.timeout(240)
async def test_broker_that_stands_still_for_longer_than_a_transaction_may_last(
    kafka_server: Server, store: WholeEventStore, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("event_store.kafka.producer.TRANSACTION_SECONDS", 5)
    kafka = kafka_server.address
    relay = Relay(store, kafka, TOPICS, takeover=3.0)
    async with running(relay):
        topics = await prepare(kafka, TOPICS)
        await append_to_each(store, ["order", "stock"])
        await until_published(kafka, topics, store)
        kafka_server.hold()
        await append_to_each(store, ["order", "stock"])
        await until(lambda: not relay.active)
        assert relay.error is not None
        kafka_server.go_on()
        await append_to_each(store, ["order", "stock"])
        await until_published(kafka, topics, store)
        await until(lambda: relay.error is None)
    await assert_all_once(kafka, topics, store)


@pytest.mark.timeout(240)
async def test_relay_when_started_before_kafka_then_it_waits_for_it(
    kafka_server: Server, store: WholeEventStore
):
    await append_to_each(store, ["order"])
    kafka_server.kill()
    relay = Relay(store, kafka_server.address, TOPICS)
    async with running(relay):
        await until(lambda: relay.error is not None)
        await asyncio.to_thread(kafka_server.start)
        await until(lambda: relay.last_published_at is not None)
    topics = await prepare(kafka_server.address, TOPICS)
    await assert_all_once(kafka_server.address, topics, store)


@pytest.mark.timeout(240)
async def test_relay_when_told_to_end_while_kafka_is_away_then_it_ends_soon(
    kafka_server: Server, store: WholeEventStore
):
    relay = Relay(store, kafka_server.address, TOPICS)
    async with running(relay):
        await until(lambda: relay.position is not None)
        kafka_server.hold()
        await store.append("order-1", some(1), expected=-1)
        await until(lambda: relay.error is not None)
        begun = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - begun < 5


async def test_event_store_when_killed_and_started_again_then_the_relay_goes_on(
    kafka: str, event_store_server: DevelopmentServer
):
    async with own_topics(kafka) as topics, opened(event_store_server.uri) as store:
        relay = Relay(store, kafka, topics, takeover=2.0)
        async with running(relay):
            await append_to_each(store, ["order", "user"])
            await until(lambda: relay.last_published_at is not None)
            for _ in range(2):
                event_store_server.kill()
                await until(lambda: relay.error is not None)
                before = await last_mark(kafka, topics)
                async with asyncio.timeout(20):
                    while await last_mark(kafka, topics) == before:
                        pass
                assert relay.active
                await asyncio.to_thread(event_store_server.start)
                await append_to_each(store, ["order", "user"])
                await until(lambda: relay.error is None)
            await store.append("order-last", some(1), expected=-1)
            page = await store.read_all(categories=["order"], limit=1000)
            last = page.events[-1].position
            await until(lambda: relay.position is not None and relay.position >= last)
        await assert_all_once(kafka, topics, store)


async def test_relay_when_started_before_the_event_store_then_it_waits_for_it(
    kafka: str, event_store_server: DevelopmentServer
):
    async with own_topics(kafka) as topics, opened(event_store_server.uri) as store:
        await append_to_each(store, ["order"])
        event_store_server.kill()
        relay = Relay(store, kafka, topics)
        async with running(relay):
            await until(lambda: relay.error is not None)
            await asyncio.to_thread(event_store_server.start)
            await until(lambda: relay.last_published_at is not None)
            assert relay.error is None
        await assert_all_once(kafka, topics, store)

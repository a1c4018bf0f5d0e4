"""The Faust feed when Kafka, the handler or Faust itself is in trouble."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient, NewPartitions
from structlog.testing import capture_logs

from event_store.kafka.faust_feed import FaustFeed, FeedFailed
from event_store.kafka.feed_settings import FeedSettings
from tests.integration.kafka.feeding import Feeding, feeding
from tests.integration.kafka.sink import Seen, Sink
from tests.services.server import Server


@asynccontextmanager
async def running(fed: Feeding, sink: Sink, grace: float = 8.0) -> AsyncGenerator[FaustFeed]:
    settings = FeedSettings(fed.servers, fed.topics, fed.group, grace_seconds=grace)
    feed = FaustFeed(settings, sink)
    await feed.start()
    try:
        yield feed
    finally:
        await asyncio.wait_for(feed.stop(), 30)


async def all_handled(fed: Feeding, seen: Seen) -> None:
    await seen.until(lambda: set(fed.ids) <= set(seen.handled()))


async def test_kafka_comes_later_and_goes_and_comes(kafka_server: Server, tmp_path: Path) -> None:
    seen, sink = Seen(tmp_path / "sink.db"), Sink(tmp_path / "sink.db", "here")
    async with feeding(kafka_server.address) as fed:
        await asyncio.to_thread(kafka_server.stop)
        with capture_logs() as logs:
            async with running(fed, sink):
                await seen.until(lambda: any(it["event"] == "waiting for Kafka" for it in logs))
                await asyncio.to_thread(kafka_server.start)
                await asyncio.to_thread(fed.publish, 100)
                await all_handled(fed, seen)
                # A power cut.
                await asyncio.to_thread(kafka_server.kill)
                await asyncio.to_thread(kafka_server.start)
                await asyncio.to_thread(fed.publish, 100)
                await all_handled(fed, seen)
                # It answers nobody for longer than a session lasts.
                kafka_server.hold()
                await asyncio.sleep(9)
                kafka_server.go_on()
                await asyncio.to_thread(fed.publish, 100)
                await all_handled(fed, seen)


async def test_stopped_without_kafka(kafka_server: Server, tmp_path: Path) -> None:
    seen, sink = Seen(tmp_path / "sink.db"), Sink(tmp_path / "sink.db", "here")
    async with feeding(kafka_server.address) as fed:
        async with running(fed, sink):
            fed.publish(20)
            await all_handled(fed, seen)
            await asyncio.to_thread(kafka_server.kill)
            began = time.monotonic()
        assert time.monotonic() - began < 20
        await asyncio.to_thread(kafka_server.start)


async def test_a_handler_that_hangs_does_not_hold_up_the_stop(kafka: str, tmp_path: Path) -> None:
    seen, sink = Seen(tmp_path / "sink.db"), Sink(tmp_path / "sink.db", "here")
    async with feeding(kafka) as fed:
        async with running(fed, sink, grace=0.5):
            sink.hanging = True
            fed.publish(100)
            await seen.until(lambda: "begin" in seen.calls("here"))
            began = time.monotonic()
        assert time.monotonic() - began < 5
        assert not seen.handled()
        assert not sink.at_work
        sink.hanging = False
        async with running(fed, sink):
            await all_handled(fed, seen)


async def test_faust_stands_still_then_it_is_seen_and_started_again(
    kafka: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("event_store.kafka.faust_app._STALLED_SECONDS", 1.5)
    seen, sink = Seen(tmp_path / "sink.db"), Sink(tmp_path / "sink.db", "here")
    async with feeding(kafka) as fed, running(fed, sink) as feed:
        fed.publish(20)
        await all_handled(fed, seen)
        app = feed._app
        assert app is not None
        app.consumer.pause_partitions(app.consumer.assignment())
        fed.publish(20)
        await all_handled(fed, seen)
        assert feed.problem is not None
        assert "FeedStalled" in feed.problem
        assert feed._app is not app


async def test_nothing_to_do_is_no_standstill(
    kafka: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("event_store.kafka.faust_app._STALLED_SECONDS", 0.5)
    seen, sink = Seen(tmp_path / "sink.db"), Sink(tmp_path / "sink.db", "here")
    async with feeding(kafka) as fed, running(fed, sink) as feed:
        fed.publish(20)
        fed.abort(5)
        await all_handled(fed, seen)
        app = feed._app
        await asyncio.sleep(5)
        assert feed.problem is None
        assert feed._app is app


async def test_other_partitions_than_before_then_the_process_has_to_start_again(
    kafka: str, tmp_path: Path
) -> None:
    async with feeding(kafka) as fed:
        client = AdminClient({"bootstrap.servers": kafka})
        grown = client.create_partitions([NewPartitions(fed.topics.topic_of("order"), 5)])
        for future in grown.values():
            future.result(30)
        async with running(fed, Sink(tmp_path / "sink.db", "here")) as feed:
            with pytest.raises(FeedFailed, match="started again"):
                await asyncio.wait_for(feed.wait(), 30)

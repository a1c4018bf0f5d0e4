"""The Faust worker: events a second from Kafka to a handler, as a share of what aiokafka reads.

Four ways of reading the same records take turns: aiokafka's `getmany` alone; Faust as it comes,
by `noack_take`; our feed with a handler that does nothing and nothing decoded; and with events
decoded, as a projector has them. So what Faust costs by itself and what we add to it is apart.
"""

from __future__ import annotations

import asyncio
import logging
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import faust
import structlog
import uvloop
from aiokafka import AIOKafkaConsumer

from benchmarks.kafka import own_topics
from benchmarks.rebuild import fill
from benchmarks.services import servers
from contracts.registry import PUBLISHED
from event_store.kafka.envelope import record_of
from event_store.kafka.faust_app import FeedApp
from event_store.kafka.feed_settings import FeedSettings
from event_store.kafka.producer import TransactionalProducer
from event_store.kafka.topics import Topics
from event_store.partitions import Mark, Partition, Published
from event_store.port import Position
from event_store.sqlite import SqliteEventStore

EVENTS = int(os.environ.get("BENCH_EVENTS", "60000"))
ROUNDS = 3
COMPRESSION = "lz4"
_IN_A_TRANSACTION = 500


@dataclass(frozen=True)
class Measured:
    """Events a second by the clock, and microseconds of processor time an event."""

    rate: float
    processor: float


class Counter:
    """A handler that does nothing but count; the time runs from the first event to the last."""

    def __init__(self) -> None:
        """Wait for the first event."""
        self.done = asyncio.Event()
        self._seen = 0
        self._first = 0
        self._begin = self._processor = 0.0
        self.measured: Measured | None = None

    def count(self, events: int) -> None:
        """So many more have come."""
        if not self._seen:
            self._begin, self._processor = time.perf_counter(), time.process_time()
            self._first = events
        self._seen += events
        if self._seen >= EVENTS and self.measured is None:
            counted = EVENTS - self._first
            seconds = time.perf_counter() - self._begin
            processor = time.process_time() - self._processor
            self.measured = Measured(counted / seconds, processor / counted * 1e6)
            self.done.set()

    async def own(self, partitions: frozenset[Partition]) -> None:
        """Nothing."""

    async def handle(self, events: Sequence[Published]) -> None:
        """Count."""
        self.count(len(events))

    def published(self, mark: Mark) -> None:
        """Nothing."""


class _WithoutDecoding(FeedApp):
    event: Published

    def decode(self, value: bytes, headers: Any) -> Published:
        return self.event


async def _raw(servers: str, topics: Topics) -> Measured:
    consumer: Any = AIOKafkaConsumer(
        *topics.of_events,
        bootstrap_servers=servers,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    await consumer.start()
    counter = Counter()
    while counter.measured is None:
        received = await consumer.getmany(timeout_ms=1000, max_records=500)
        if received:
            counter.count(sum(map(len, received.values())))
    await consumer.stop()
    return counter.measured


async def _faust_as_it_comes(servers: str, topics: Topics) -> Measured:
    counter = Counter()
    with tempfile.TemporaryDirectory() as folder:
        app = faust.App(
            f"{topics.prefix}{uuid4().hex[:8]}",
            broker=f"kafka://{servers}",
            datadir=folder,
            web_enabled=False,
            topic_disable_leader=True,
            agent_supervisor="mode.CrashingSupervisor",
        )
        topic = app.topic(
            *topics.of_events,
            key_type=bytes,
            value_type=bytes,
            key_serializer="raw",
            value_serializer="raw",
        )

        @app.agent(topic)
        async def count(stream: Any) -> None:  # pyright: ignore[reportUnusedFunction]
            async for events in stream.noack_take(500, within=0.01):
                counter.count(len(events))
                for event in events:
                    await stream.ack(event)

        await _until_counted(app, counter)
    assert counter.measured is not None
    return counter.measured


async def _feed(servers: str, topics: Topics, kind: type[FeedApp]) -> Measured:
    counter = Counter()
    settings = FeedSettings(servers, topics, f"{topics.prefix}{uuid4().hex[:8]}")
    await _until_counted(kind(settings, lambda _: nullcontext(counter)), counter)
    assert counter.measured is not None
    return counter.measured


async def _until_counted(app: faust.App, counter: Counter) -> None:
    app.finalize()
    await app.start()
    await counter.done.wait()
    await app.stop()


async def _publish(store: SqliteEventStore, servers: str, topics: Topics) -> Published:
    page = await store.read_all(categories=PUBLISHED, limit=EVENTS)
    producer = TransactionalProducer(servers, uuid4().hex, COMPRESSION)
    await producer.begin()
    last: dict[Partition, Position] = {}
    identity, records = await store.identity(), []
    for event in page.events:
        partition = topics.partition_of(event.stream)
        assert partition is not None
        published = Published(event, partition, identity, last.get(partition))
        records.append(record_of(published, topics))
        last[partition] = event.position
    for first in range(0, len(records), _IN_A_TRANSACTION):
        await producer.publish(records[first : first + _IN_A_TRANSACTION])
    await producer.close()
    return published


async def _measure(folder: Path, servers: str) -> dict[str, list[Measured]]:
    await fill(folder / "events.db", EVENTS)
    store = await SqliteEventStore.open(folder / "events.db")
    found: dict[str, list[Measured]] = {"raw": [], "faust": [], "feed": [], "decoding": []}
    async with own_topics(servers, COMPRESSION) as topics:
        _WithoutDecoding.event = await _publish(store, servers, topics)
        for _ in range(ROUNDS):
            found["raw"].append(await _raw(servers, topics))
            found["faust"].append(await _faust_as_it_comes(servers, topics))
            found["feed"].append(await _feed(servers, topics, _WithoutDecoding))
            found["decoding"].append(await _feed(servers, topics, FeedApp))
    await store.close()
    return found


def run() -> str:
    """Measure, and say it as a table of Markdown."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder, servers("kafka") as (address,):
        found = uvloop.run(_measure(Path(folder), address))
    logging.disable(logging.NOTSET)
    structlog.reset_defaults()
    names = {
        "raw": "aiokafka, `getmany`",
        "faust": "Faust as it comes, `noack_take`",
        "feed": "our feed, nothing decoded",
        "decoding": "our feed, events decoded",
    }
    lines = [
        f"| {EVENTS:,} events | events/s (median, min-max) | share of aiokafka's |"
        " processor, an event |",
        "|---|---|---|---|",
    ]
    for name, title in names.items():
        rates = [it.rate for it in found[name]]
        pairs = zip(found[name], found["raw"], strict=True)
        share = statistics.median(ours.rate / raw.rate for ours, raw in pairs)
        processor = statistics.median(it.processor for it in found[name])
        lines.append(
            f"| {title} | {statistics.median(rates):,.0f} ({min(rates):,.0f}-{max(rates):,.0f})"
            f" | {share:.2f} | {processor:.1f} µs |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    print(run())

"""The relay: events a second from a file to Kafka, as a share of what the client can send.

The raw limits send the very same records, encoded beforehand, by the same client and settings:
in transactions as large as the relay's were, and in none. Rounds of the three take turns.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import structlog
import uvloop
from confluent_kafka import Producer

from benchmarks.kafka import own_topics
from benchmarks.rebuild import fill
from benchmarks.services import servers
from contracts.registry import PUBLISHED
from event_store.kafka.envelope import Record, record_of
from event_store.kafka.marks import MarksReader
from event_store.kafka.producer import settings_of
from event_store.kafka.relay import Relay
from event_store.kafka.topics import Topics
from event_store.partitions import Partition, Published
from event_store.port import Position
from event_store.sqlite import SqliteEventStore
from event_store.tasks import stop

EVENTS = int(os.environ.get("BENCH_EVENTS", "100000"))
ROUNDS = 3
COMPRESSION = "lz4"


@dataclass(frozen=True)
class Measured:
    """Events a second by the clock, and microseconds of processor time an event."""

    rate: float
    processor: float


class Stopwatch:
    """From its making on."""

    def __init__(self) -> None:
        """Start."""
        self._begin, self._processor = time.perf_counter(), time.process_time()

    def stop(self) -> Measured:
        """What `EVENTS` took."""
        seconds = time.perf_counter() - self._begin
        processor = time.process_time() - self._processor
        return Measured(EVENTS / seconds, processor / EVENTS * 1e6)


async def _relay(store: SqliteEventStore, servers: str) -> tuple[Measured, int]:
    """Also, in how many transactions."""
    head = await store.head()
    assert head is not None
    async with own_topics(servers, COMPRESSION) as topics:
        relay = Relay(store, servers, topics)
        watch = Stopwatch()  # With its start, a few tenths of a second.
        running = asyncio.create_task(relay.run())
        await _until(running, lambda: relay.position is not None and relay.position >= head)
        measured = watch.stop()
        await stop(running)
        async with MarksReader(servers, topics) as marks:
            # Each transaction leaves a mark and Kafka's own record of its end.
            return measured, await marks.end() // 2


async def _until(running: asyncio.Task[None], condition: Callable[[], bool]) -> None:
    while not condition():
        if running.done():
            running.result()
        await asyncio.sleep(0.005)


async def _records(store: SqliteEventStore, topics: Topics) -> list[Record]:
    page = await store.read_all(categories=PUBLISHED, limit=EVENTS)
    identity, records = await store.identity(), list[Record]()
    last: dict[Partition, Position] = {}
    for event in page.events:
        partition = topics.partition_of(event.stream)
        assert partition is not None
        published = Published(event, partition, identity, last.get(partition))
        records.append(record_of(published, topics))
        last[partition] = event.position
    return records


async def _raw(store: SqliteEventStore, servers: str, transactions: int | None) -> Measured:
    async with own_topics(servers, COMPRESSION) as topics:
        records = await _records(store, topics)
        settings = settings_of(servers, uuid4().hex, COMPRESSION)
        if transactions is None:
            del settings["transactional.id"], settings["transaction.timeout.ms"]
            return await asyncio.to_thread(_send_plain, settings, records)
        size = -(-len(records) // transactions)
        return await asyncio.to_thread(_send_in_transactions, settings, records, size)


def _send_plain(settings: dict[str, Any], records: Sequence[Record]) -> Measured:
    producer = Producer(settings)
    producer.list_topics(timeout=30)
    watch = Stopwatch()
    _produce(producer, records)
    producer.flush()
    return watch.stop()


def _send_in_transactions(
    settings: dict[str, Any], records: Sequence[Record], size: int
) -> Measured:
    producer = Producer(settings)
    producer.init_transactions()
    watch = Stopwatch()
    for first in range(0, len(records), size):
        producer.begin_transaction()
        _produce(producer, records[first : first + size])
        producer.commit_transaction()
    return watch.stop()


def _produce(producer: Producer, records: Sequence[Record]) -> None:
    for it in records:
        while True:
            try:
                producer.produce(
                    it.topic,
                    it.value,
                    it.key,
                    it.partition,
                    headers=it.headers,
                    timestamp=it.timestamp,
                )
                break
            except BufferError:
                producer.poll(0.05)


async def _measure(folder: Path, servers: str) -> tuple[dict[str, list[Measured]], int]:
    await fill(folder / "events.db", EVENTS)
    store = await SqliteEventStore.open(folder / "events.db")
    found: dict[str, list[Measured]] = {"relay": [], "transactions": [], "plain": []}
    transactions = 0
    for _ in range(ROUNDS):
        measured, transactions = await _relay(store, servers)
        found["relay"].append(measured)
        found["transactions"].append(await _raw(store, servers, transactions))
        found["plain"].append(await _raw(store, servers, None))
    await store.close()
    return found, transactions


def run() -> str:
    """Measure, and say it as a table of Markdown."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    with tempfile.TemporaryDirectory() as folder, servers("kafka") as (address,):
        found, transactions = uvloop.run(_measure(Path(folder), address))
    structlog.reset_defaults()
    names = {
        "relay": f"relay, {EVENTS // transactions:,} events a transaction",
        "transactions": "raw, in such transactions",
        "plain": "raw, in none",
    }
    lines = [
        f"| {EVENTS:,} events | events/s (median, min-max) | the relay's share |"
        " processor, an event |",
        "|---|---|---|---|",
    ]
    for name, title in names.items():
        rates = [it.rate for it in found[name]]
        pairs = zip(found["relay"], found[name], strict=True)
        share = statistics.median(ours.rate / raw.rate for ours, raw in pairs)
        processor = statistics.median(it.processor for it in found[name])
        lines.append(
            f"| {title} | {statistics.median(rates):,.0f} ({min(rates):,.0f}-{max(rates):,.0f})"
            f" | {share:.2f} | {processor:.1f} µs |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    print(run())

"""Topics of a test's own, and events in them as the relay would publish them."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from event_store.kafka.admin import prepare
from event_store.kafka.envelope import Record, record_of
from event_store.kafka.topics import Topics
from event_store.partitions import Published
from event_store.port import Position, RecordedEvent

STORE = "a-store"


@dataclass
class Feeding:
    """A namespace in a real Kafka."""

    servers: str
    topics: Topics
    group: str
    ids: list[str] = field(default_factory=list)
    """Of all committed events, in order."""
    aborted: list[str] = field(default_factory=list)
    _last: dict[object, Position] = field(default_factory=dict)
    _count: int = 0

    def events(self, count: int, streams: int = 7) -> list[Published]:
        """The next so many events, spread over streams of orders."""
        return [self._event(n, streams) for n in range(count)]

    def publish(self, count: int, *, streams: int = 7, by: int = 50) -> None:
        """Commit so many events, `by` in a transaction."""
        records = []
        for event in self.events(count, streams):
            records.append(record_of(event, self.topics))
            self.ids.append(str(event.event.id))
        self.commit(records, by)

    def commit(self, records: Sequence[Record], by: int = 50) -> None:
        producer = self._producer()
        for first in range(0, len(records), by):
            producer.begin_transaction()
            _produce(producer, records[first : first + by])
            producer.commit_transaction(30)

    def abort(self, count: int) -> None:
        """Write so many events and abort them: who reads uncommitted sees them."""
        producer = self._producer()
        before = dict(self._last)
        events = self.events(count)
        self._last = before
        producer.begin_transaction()
        _produce(producer, [record_of(event, self.topics) for event in events])
        producer.flush(30)
        producer.abort_transaction(30)
        self.aborted += [str(event.event.id) for event in events]

    def produce(self, topic: str, partition: int, value: bytes | None) -> None:
        """Write something of no transaction, which may be anything."""
        producer = Producer({"bootstrap.servers": self.servers})
        producer.produce(topic, value, b"key", partition)
        assert not producer.flush(30)

    def delete_records(self, category: str) -> None:
        """Let retention take all that is there."""
        client = AdminClient({"bootstrap.servers": self.servers})
        ends = [TopicPartition(it[0], it[1], it[2]) for it in self._ends([category])]
        for future in client.delete_records(ends).values():
            future.result(30)

    def committed(self) -> dict[tuple[str, int], int]:
        """The group's offsets."""
        consumer = Consumer({"bootstrap.servers": self.servers, "group.id": self.group})
        try:
            of = [
                TopicPartition(self.topics.topic_of(category), number)
                for category, count in self.topics.counts.items()
                for number in range(count)
            ]
            found = consumer.committed(of, timeout=30)
            return {(it.topic, it.partition): it.offset for it in found if it.offset >= 0}
        finally:
            consumer.close()

    def _ends(self, categories: Iterable[str]) -> list[tuple[str, int, int]]:
        # Who reads committed is told of an earlier end for a moment after a commit.
        level = {"isolation.level": "read_uncommitted"}
        consumer = Consumer({"bootstrap.servers": self.servers, "group.id": self.group, **level})
        try:
            return [
                (topic, number, consumer.get_watermark_offsets(TopicPartition(topic, number))[1])
                for topic in map(self.topics.topic_of, categories)
                for number in range(self.topics.partitions)
            ]
        finally:
            consumer.close()

    def _producer(self) -> Producer:
        producer = Producer(
            {"bootstrap.servers": self.servers, "transactional.id": f"{self.group}-{uuid4()}"}
        )
        producer.init_transactions(30)
        return producer

    def _event(self, n: int, streams: int) -> Published:
        self._count += 1
        position = Position(f"{self._count:020}")
        category = ("order", "product")[n % 3 == 0]
        event = RecordedEvent(
            uuid4(),
            f"{category}-{n % streams}",
            self._count,
            "Something",
            b"{}",
            b"{}",
            position,
            datetime.now(UTC),
        )
        partition = self.topics.partition_of(event.stream)
        assert partition is not None
        previous = self._last.get(partition)
        self._last[partition] = position
        return Published(event, partition, STORE, previous)


def _produce(producer: Producer, records: Sequence[Record]) -> None:
    for it in records:
        producer.produce(
            it.topic, it.value, it.key, it.partition, headers=it.headers, timestamp=it.timestamp
        )


@asynccontextmanager
async def feeding(servers: str, partitions: int = 3) -> AsyncGenerator[Feeding]:
    """A namespace of its own, deleted in the end."""
    prefix = f"t{uuid4().hex[:10]}-"
    topics = await prepare(servers, Topics(prefix, partitions))
    try:
        yield Feeding(servers, topics, f"{prefix}group")
    finally:
        client = AdminClient({"bootstrap.servers": servers})
        for future in client.delete_topics([*topics.of_events, topics.marks]).values():
            await asyncio.to_thread(future.result, 30)


@dataclass
class Worker:
    """A worker in a process of its own."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """Ask it to end."""
        self.process.send_signal(signal.SIGTERM)

    async def ended(self, seconds: float = 20) -> int:
        """Its exit code."""
        return await asyncio.to_thread(self.process.wait, seconds)


class Workers:
    """Workers in processes of their own, all ended with the test."""

    def __init__(self, feeding: Feeding, folder: Path) -> None:
        self.file = folder / "sink.db"
        self._feeding = feeding
        self._folder = folder
        self._all: list[Worker] = []

    def start(self, name: str, **options: object) -> Worker:
        it = self._feeding
        log = self._folder / f"{name}.log"
        arguments = [f"--{key.replace('_', '-')}={value}" for key, value in options.items()]
        command = [sys.executable, "-m", "tests.integration.kafka.faust_process", it.servers]
        command += [it.topics.prefix, str(it.topics.partitions), it.group, str(self.file), name]
        with log.open("ab") as output:
            process = subprocess.Popen(
                [*command, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        worker = Worker(name, process, log)
        self._all.append(worker)
        return worker

    def end(self) -> None:
        for worker in self._all:
            if worker.process.poll() is None:
                worker.kill()

"""What a leading relay does: event store to Kafka, transaction by transaction."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from event_store.kafka.envelope import Record
from event_store.kafka.errors import KafkaError
from event_store.kafka.marks import mark_record
from event_store.kafka.producer import TransactionalProducer
from event_store.kafka.reading import Batch, EventReader
from event_store.kafka.topics import Topics
from event_store.partitions import Mark
from event_store.port import EventStore
from event_store.tasks import stop

_MOST_RECORDS = 4000
"""In one transaction; a batch that has been read is never split."""
_MOST_BYTES = 8 * 1024 * 1024
_READ_AHEAD = 4
_MARK_SECONDS = 1.0
"""Between two marks, when only events of others moved the position."""
_LOOK_SECONDS = 20.0
"""Between two looks at the number of partitions."""
_PATIENCE, _REMIND_SECONDS = 5.0, 30.0
_log = structlog.get_logger(__name__)


class TopicsChanged(KafkaError):
    """A topic has another number of partitions than before."""


class Publishing:
    """From one committed mark on: the events after it, and a mark with each transaction."""

    def __init__(
        self,
        events: EventStore,
        producer: TransactionalProducer,
        topics: Topics,
        mark: Mark | None,
        relay: str,
        heartbeat: float,
        committed: Callable[[Mark, datetime | None], None],
    ) -> None:
        """Prepare; `run` does it.

        Args:
            events: where they come from.
            producer: which has begun, after which `mark` was read.
            topics: as `prepare` found them.
            mark: the last committed one; None: there is none.
            relay: who writes the marks.
            heartbeat: seconds between two marks at most, whatever happens.
            committed: is told the mark of each transaction, and when its newest event, if it
                has any, was recorded.
        """
        self._reader = EventReader(events, topics, mark)
        self._producer = producer
        self._topics = topics
        self._mark = mark
        self._relay = relay
        self._heartbeat = heartbeat
        self._committed = committed
        self._read: asyncio.Queue[Batch] = asyncio.Queue(_READ_AHEAD)
        self._records: list[Record] = []
        self._size = 0
        self._newest: datetime | None = None
        self._moved = True
        self._written_at = float("-inf")
        self._next_look = time.monotonic() + _LOOK_SECONDS
        self._kafka_trouble: str | None = None

    @property
    def trouble(self) -> str | None:
        """What holds it up; None: nothing does."""
        return self._kafka_trouble or self._reader.trouble

    async def run(self) -> None:
        """Publish until cancelled.

        Raises:
            Fenced: another relay has taken over.
            KafkaUnavailable: begin anew, from the mark that then is the last committed one.
            TopicsChanged: likewise.
        """
        tasks = {
            asyncio.create_task(self._reader.run(self._read.put)),
            asyncio.create_task(self._publish()),
        }
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            await stop(*tasks)

    async def _publish(self) -> None:
        while True:
            await self._collect()
            if self._mark is not None and (self._records or self._is_due()):
                await self._commit(self._mark)
            if time.monotonic() >= self._next_look:
                await self._look_at_topics()

    async def _collect(self) -> None:
        """Take what has been read, as long as there is something or until a mark is due."""
        due = self._written_at + (_MARK_SECONDS if self._moved else self._heartbeat)
        wait = max(0.0, min(due, self._next_look) - time.monotonic())
        try:
            async with asyncio.timeout(wait if self._mark else None):
                self._take(await self._read.get())
        except TimeoutError:
            return
        while not self._read.empty() and self._has_room:
            self._take(self._read.get_nowait())

    @property
    def _has_room(self) -> bool:
        return len(self._records) < _MOST_RECORDS and self._size < _MOST_BYTES

    def _take(self, batch: Batch) -> None:
        self._records += batch.records
        self._size += sum(len(record.value) for record in batch.records)
        self._mark, self._moved = batch.mark, True
        self._newest = batch.newest or self._newest

    def _is_due(self) -> bool:
        passed = time.monotonic() - self._written_at
        return passed >= (_MARK_SECONDS if self._moved else self._heartbeat)

    async def _commit(self, mark: Mark) -> None:
        written = mark_record(mark, self._relay, self._topics, datetime.now(UTC))
        self._records.append(written)
        await self._patiently(asyncio.ensure_future(self._producer.publish(self._records)))
        self._written_at = time.monotonic()
        self._committed(mark, self._newest)
        self._records, self._size, self._newest, self._moved = [], 0, None, False

    async def _patiently(self, publishing: asyncio.Future[None]) -> None:
        passed = 0.0
        try:
            while not (await asyncio.wait({publishing}, timeout=_PATIENCE))[0]:
                passed += _PATIENCE
                self._kafka_trouble = f"Kafka has not answered for {passed:.0f} seconds"
                if passed == _PATIENCE or passed % _REMIND_SECONDS == 0:
                    _log.warning("Kafka does not answer; the relay waits", seconds=passed)
        finally:
            publishing.cancel()
        publishing.result()
        if self._kafka_trouble is not None:
            _log.info("Kafka answers again")
            self._kafka_trouble = None

    async def _look_at_topics(self) -> None:
        self._next_look = time.monotonic() + _LOOK_SECONDS
        counts = await self._producer.counts(self._topics)
        if counts != self._topics.counts:
            raise TopicsChanged(f"topics have other numbers of partitions now: {counts}")

"""The relay: publishes what the event store holds, each event once, in the store's order."""

from __future__ import annotations

import asyncio
import os
import random
import socket
import time
from datetime import UTC, datetime
from uuid import uuid4

import structlog

from event_store.kafka.admin import prepare
from event_store.kafka.errors import Fenced, KafkaUnavailable
from event_store.kafka.marks import MarksReader, last_mark
from event_store.kafka.producer import TransactionalProducer
from event_store.kafka.publishing import Publishing, TopicsChanged
from event_store.kafka.topics import Topics
from event_store.partitions import Mark
from event_store.port import EventStore, Position

_LONGEST_HEARTBEAT = 3.0
_LOOK_SECONDS = 1.0
_FIRST_DELAY, _LONGEST_DELAY = 0.2, 5.0
_REMIND_SECONDS = 30.0
_log = structlog.get_logger(__name__)


class Relay:
    """One of any number of relays for the same topics, of which one leads.

    Events go to `<prefix><category>-events`, keyed by the aggregate's id, and with each
    transaction a mark that says how far the relay has come: who reads committed records sees each
    event once, and the last committed mark is where a relay goes on. A relay that starts takes
    over from the one that leads, which then stands by, and takes over in turn when no more marks
    come. Outages of Kafka and of the event store are waited out.
    """

    def __init__(
        self,
        events: EventStore,
        servers: str,
        topics: Topics,
        *,
        transactional_id: str | None = None,
        takeover: float = 10.0,
    ) -> None:
        """Prepare; `run` does the work.

        Args:
            events: what to publish; of the published categories only.
            servers: of Kafka, as in `bootstrap.servers`.
            topics: where to; those that are missing are made.
            transactional_id: what relays share of which one may lead; by default, all for these
                topics do.
            takeover: seconds without a mark after which a relay that stands by takes over. The
                same for all of them.
        """
        self.name = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"
        self._events = events
        self._servers = servers
        self._topics = topics
        self._transactional_id = transactional_id or f"{topics.prefix}relay"
        self._takeover = takeover
        self._publishing: Publishing | None = None
        self._position: Position | None = None
        self._last_published_at: datetime | None = None
        self._published_up_to: datetime | None = None
        self._trouble: str | None = None
        self._said_at = float("-inf")
        self._failures = 0
        self._leads = False
        self._has_led = False
        self._stands_by = False

    @property
    def stands_by(self) -> bool:
        """Whether another one publishes, and this one waits for its place."""
        return self._stands_by

    @property
    def active(self) -> bool:
        """Whether it is the one that publishes: it has written a mark since it began to lead.

        Otherwise it starts, stands by or is held up.
        """
        return self._leads

    @property
    def position(self) -> Position | None:
        """The position of its last committed mark; None before the first."""
        return self._position

    @property
    def last_published_at(self) -> datetime | None:
        """When it last published events."""
        return self._last_published_at

    @property
    def published_up_to(self) -> datetime | None:
        """When the newest of the events that it published was recorded."""
        return self._published_up_to

    @property
    def error(self) -> str | None:
        """What holds it up, in words; None: nothing does."""
        return self._trouble or (self._publishing.trouble if self._publishing else None)

    async def run(self) -> None:
        """Lead, or stand by, until cancelled."""
        while True:
            try:
                await self._lead()
            except Fenced:
                _log.warning("another relay leads now; this one stands by", relay=self.name)
                await self._stand_by()
            except TopicsChanged as error:
                _log.info("the relay begins anew", reason=str(error))
            except KafkaUnavailable as error:
                await self._wait_out(error)

    async def _lead(self) -> None:
        topics = await prepare(self._servers, self._topics)
        if self._has_led and await self._has_successor(topics):
            raise Fenced("another relay has taken over")
        producer = TransactionalProducer(self._servers, self._transactional_id, topics.compression)
        try:
            await producer.begin()
            # Not before: until now, another one could still commit.
            written = await last_mark(self._servers, topics)
            self._publishing = Publishing(
                self._events,
                producer,
                topics,
                written.mark if written else None,
                self.name,
                min(_LONGEST_HEARTBEAT, self._takeover / 4),
                self._committed,
            )
            _log.info(
                "the relay leads",
                relay=self.name,
                position=written.mark.position if written else None,
            )
            await self._publishing.run()
        finally:
            self._publishing, self._leads = None, False
            await producer.close()

    def _committed(self, mark: Mark, newest: datetime | None) -> None:
        if self._trouble is not None:
            _log.info("the relay publishes again", position=mark.position)
        self._trouble, self._failures = None, 0
        self._leads = self._has_led = True
        self._position = mark.position
        if newest is not None:
            self._last_published_at = datetime.now(UTC)
            self._published_up_to = newest

    async def _has_successor(self, topics: Topics) -> bool:
        """Whether another one has led meanwhile: it is not to be driven out for our troubles."""
        written = await last_mark(self._servers, topics)
        return written is not None and written.relay != self.name

    async def _stand_by(self) -> None:
        """Return when the one that leads seems to be gone."""
        self._has_led, self._stands_by = False, True
        while True:
            try:
                topics = await prepare(self._servers, self._topics)
                async with MarksReader(self._servers, topics) as marks:
                    await self._until_silent(marks)
            except KafkaUnavailable as error:
                await self._wait_out(error)
            else:
                self._stands_by = False
                _log.warning("no relay leads any more: this one takes over", relay=self.name)
                return

    async def _until_silent(self, marks: MarksReader) -> None:
        # Several that stand by don't all begin at once.
        patience = self._takeover * random.uniform(1, 1.3)  # noqa: S311
        end, since = await marks.end(), time.monotonic()
        while time.monotonic() - since < patience:
            await asyncio.sleep(min(_LOOK_SECONDS, self._takeover / 10))
            asked = time.monotonic()
            now = await marks.end()
            self._trouble, self._failures = None, 0
            # When Kafka is slow, it may be slow for the one that leads too.
            if now != end or time.monotonic() - asked > _LOOK_SECONDS:
                end, since = now, time.monotonic()

    async def _wait_out(self, error: KafkaUnavailable) -> None:
        self._failures += 1
        self._trouble = f"Kafka is not available: {error}"
        if self._failures == 1 or time.monotonic() - self._said_at >= _REMIND_SECONDS:
            self._said_at = time.monotonic()
            _log.warning("the relay waits for Kafka", error=str(error))
        longest = min(_LONGEST_DELAY, _FIRST_DELAY * 2 ** min(self._failures, 16))
        await asyncio.sleep(longest * random.uniform(0.5, 1))  # noqa: S311

"""The Faust app that brings a worker its events; Faust is imported here and by its transport.

What Faust 0.15 does by itself loses events in several ways; here none is acked that was not
handled, and acks of a partition come strictly in order:

- An agent that raises has its event acked, and the next ack commits past a failed one. The agent
  here only takes records in and can't fail; acks are given later, by `Deliveries`. Where that
  ends with an error, the app crashes as a whole, and whoever runs it starts another.
- `noack_take` acks what comes after it was closed, and looks for events by a timer. Acks are
  off for the whole life of this stream instead.
- What Faust's consumer gets wrong is put right in `faust_transport`.
"""

# Faust's types are incomplete.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false
# pyright: reportPrivateUsage=false, reportIncompatibleMethodOverride=false
# pyright: reportIncompatibleVariableOverride=false

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, aclosing
from typing import Any

import faust
import structlog
from faust.types import TP

from event_store.kafka.admin import prepare
from event_store.kafka.deliveries import BACKLOG, Arrival, Deliveries, Headers
from event_store.kafka.envelope import published_of
from event_store.kafka.errors import KafkaUnavailable
from event_store.kafka.faust_transport import OrderedConsumer, OrderedTransport, undelivered
from event_store.kafka.feed_settings import FeedSettings, options
from event_store.kafka.marks import MarksFollower
from event_store.kafka.topics import Topics
from event_store.partitions import Partition, PartitionHandler, Published

_STALLED_SECONDS = 90.0
_LOOK_SECONDS = 1.0
_COMMIT_SECONDS = 5.0
_LONGEST_DELAY = 10.0
_log = structlog.get_logger(__name__)

OpenHandler = Callable[[Topics], AbstractAsyncContextManager[PartitionHandler]]
"""Given the topics as they are split in Kafka, opens what handles their events."""
Stream = Any


class FeedStalled(Exception):
    """Faust neither brings what is there nor says why."""


class PartitionsChanged(Exception):
    """A topic has other partitions than it had when this process began: start it again."""


class FeedApp(faust.App):
    """One life of a worker: from its start to its stop or crash."""

    def __init__(self, settings: FeedSettings, open_handler: OpenHandler) -> None:
        """Prepare; nothing is asked of Kafka before the start."""
        self.feed = settings
        self.partitions: frozenset[Partition] = frozenset()
        self.deliveries: Deliveries | None = None
        self.failed = asyncio.Event()
        self.failure: BaseException | None = None
        self._open_handler = open_handler
        self._topics = settings.topics
        self._delivering: asyncio.Task[None] | None = None
        self._queue: Any = None
        self._rebalancing_since: float | None = None
        super().__init__(settings.group, **options(settings))
        topic = self.topic(
            *settings.topics.of_events,
            key_type=bytes,
            value_type=bytes,
            key_serializer="raw",
            value_serializer="raw",
        )
        self.agent(topic, name="events")(self._take_in)
        self.on_partitions_assigned.connect(_assigned)  # pyright: ignore[reportArgumentType]
        self.on_partitions_revoked.connect(_revoked)  # pyright: ignore[reportArgumentType]

    def _new_transport(self) -> OrderedTransport:
        return OrderedTransport(self.conf.broker_consumer, self)

    # --- its life ---------------------------------------------------------------------------

    async def on_first_start(self) -> None:
        """Wait for Kafka; topics have to be there before a consumer asks for them."""
        await super().on_first_start()
        delay = 0.25
        while not self.should_stop:
            try:
                self._topics = await prepare(self.feed.servers, self.feed.topics)
            except KafkaUnavailable as error:
                _log.warning("waiting for Kafka", servers=self.feed.servers, error=str(error))
            else:
                return
            await self.sleep(delay)
            delay = min(2 * delay, _LONGEST_DELAY)

    async def on_start(self) -> None:
        """Open the handler, and begin to hand events to it."""
        await super().on_start()
        handler = await self.add_async_context(self._open_handler(self._topics))
        self.deliveries = Deliveries(self, handler, self.decode)
        self._delivering = asyncio.create_task(self.deliveries.run(), name="deliveries")
        self._delivering.add_done_callback(self._delivering_ended)
        self.add_future(self._follow_marks(handler))
        self.add_future(self._watch())

    async def on_stop(self) -> None:
        """Finish the batch at hand, commit, leave the group."""
        if self.deliveries is not None and self._delivering is not None:
            await self.deliveries.stop(self._delivering, self.feed.grace_seconds)
        # After a crash, or without Kafka, this fails, hangs or is cancelled by itself.
        committing = asyncio.create_task(super().on_stop())
        await asyncio.wait({committing}, timeout=_COMMIT_SECONDS)
        if not committing.cancel() and not committing.cancelled():
            self.fail(committing.exception())
        if self.deliveries is not None:
            self.partitions = frozenset()
            await self.deliveries.own(self.partitions)

    async def on_shutdown(self) -> None:
        """Leave nothing open."""
        await super().on_shutdown()
        if isinstance(self._consumer, OrderedConsumer):
            self._consumer.let_go()

    def _create_directories(self) -> None:
        """None: they are for tables, of which there are none."""

    def fail(self, reason: BaseException | None) -> None:
        """Have it ended by whoever runs it; the first reason counts. From any thread."""
        if reason is not None:
            self.failure = self.failure or reason
            self.loop.call_soon_threadsafe(self.failed.set)
            if self.in_worker and not self.crashed:
                self.add_future(self.crash(reason))

    def _crash(self, reason: BaseException) -> None:
        super()._crash(reason)
        self.fail(reason)

    def _delivering_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            self.fail(task.exception())

    async def _follow_marks(self, handler: PartitionHandler) -> None:
        follower = MarksFollower(self.feed.servers, self._topics)
        async with aclosing(follower.follow()) as marks:
            async for mark in marks:
                handler.published(mark)

    # --- records ----------------------------------------------------------------------------

    def decode(self, value: bytes, headers: Headers) -> Published:
        """What the relay published by such a record."""
        return published_of(value, headers, self._topics)

    async def _take_in(self, stream: Stream) -> None:
        """The agent: does nothing that could fail."""
        stream.enable_acks = False
        self._queue = stream.channel.queue
        async for _ in stream:
            event = stream.current_event
            it = event.message
            token = event, stream
            self._deliveries.add(
                Arrival(it.topic, it.partition, it.offset, it.value, it.headers or (), token)
            )

    @property
    def _deliveries(self) -> Deliveries:
        if self.deliveries is None:
            raise RuntimeError("records came before the start")
        return self.deliveries

    def has_room(self, backlog: int = BACKLOG) -> bool:
        """Whether fewer records than these have been fetched and are not being handled."""
        queued = 0 if self._queue is None else self._queue.qsize()
        return self._deliveries.waiting + queued < backlog

    def has_more(self) -> bool:
        """As `Source` says."""
        return self._queue is not None and not self._queue.empty()

    @property
    def progress(self) -> asyncio.Event:
        """Set when there may be room again."""
        return self._deliveries.progress

    def is_current(self, arrival: Arrival) -> bool:
        """As `Source` says, by the same signs that Faust's streams go by."""
        generation = arrival.token[0].message.generation_id
        return self.flow_control.is_active() and generation == self.consumer_generation_id

    async def ack(self, arrival: Arrival) -> None:
        """As `Source` says."""
        event, stream = arrival.token
        await stream.ack(event)

    def forget(self, arrival: Arrival) -> None:
        """As `Source` says: a rebalance waits for those that are neither acked nor forgotten."""
        self.consumer.unacked.discard(arrival.token[0].message)

    # --- partitions -------------------------------------------------------------------------

    def on_rebalance_start(self) -> None:
        """Faust calls this first, in another thread."""
        self._rebalancing_since = time.monotonic()
        super().on_rebalance_start()

    def on_rebalance_end(self) -> None:
        """Faust calls this last."""
        self._rebalancing_since = None
        super().on_rebalance_end()

    async def own(self, assigned: set[TP]) -> None:
        """These are ours, and no others."""
        counts = {
            category: self.consumer.topic_partitions(self._topics.topic_of(category))
            for tp in assigned
            if (category := self._topics.category_of_topic(tp.topic)) is not None
        }
        for category, count in counts.items():
            if count is not None and count != self._topics.count_of(category):
                raise PartitionsChanged(
                    f"{self._topics.topic_of(category)} has {count} partitions now, not "
                    f"{self._topics.count_of(category)}"
                )
        self.partitions = frozenset(
            Partition(category, self._topics.count_of(category), tp.partition)
            for tp in assigned
            if (category := self._topics.category_of_topic(tp.topic)) is not None
        )
        _log.info("partitions owned", partitions=sorted(map(str, self.partitions)))
        await self._deliveries.own(self.partitions)

    # --- watching over it -------------------------------------------------------------------

    async def _watch(self) -> None:
        stuck_since: float | None = None
        while not self.should_stop:
            await self.sleep(_LOOK_SECONDS)
            now = time.monotonic()
            reason = self._standing_still()
            stuck_since = (stuck_since or now) if reason else None
            if reason and stuck_since and now - stuck_since > _STALLED_SECONDS:
                self.fail(FeedStalled(reason))
                return

    def _standing_still(self) -> str | None:
        """What Faust does not go on with, though nothing else is to be waited for."""
        if self._deliveries.is_busy or self._deliveries.waiting:
            return None
        if self._rebalancing_since is not None:
            return "a rebalance does not end"
        if not self.partitions:
            return None
        if behind := undelivered(self.consumer):
            return f"records have been fetched of {behind} and are not delivered"
        return None


async def _assigned(app: FeedApp, assigned: set[TP], **_: Any) -> None:
    await app.own(assigned)


async def _revoked(app: FeedApp, revoked: set[TP], **_: Any) -> None:
    await app.own(set())

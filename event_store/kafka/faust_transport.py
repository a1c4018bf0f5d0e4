"""Faust's consumer on Kafka, made to lose and to skip nothing, and to cost less."""

# Faust's types are incomplete, and what is put right here is within it.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false
# pyright: reportPrivateUsage=false, reportIncompatibleMethodOverride=false
# pyright: reportIncompatibleVariableOverride=false
# ruff: noqa: SLF001

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, Protocol

import structlog
from aiokafka.errors import KafkaError  # pyright: ignore[reportMissingTypeStubs]
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport
from mode.threads import WorkerThread

from event_store.kafka.deliveries import BACKLOG

_LEAVE_SECONDS = 3.0
_log = structlog.get_logger(__name__)


class Room(Protocol):
    """The app, which says when it can take another record."""

    def has_room(self, backlog: int = BACKLOG) -> bool:
        """Whether fewer than these wait with it."""
        ...

    @property
    def progress(self) -> asyncio.Event:
        """Set when it may be able to again."""
        ...


def undelivered(consumer: Any) -> str | None:
    """A partition whose next record is known of and was not taken."""
    subscription = consumer._thread._ensure_consumer()._subscription.subscription
    if subscription is None or subscription.assignment is None:
        return None
    for tp in subscription.assignment.tps:
        state = subscription.assignment.state_value(tp)
        known = state.has_valid_position and state.highwater is not None
        if known and state.position < state.highwater:
            return f"{tp.topic} {tp.partition}"
    return None


class DaemonThread(WorkerThread):
    """Does not keep a process from ending that was given up."""

    def __init__(self, service: Any, **kwargs: Any) -> None:
        super().__init__(service, **kwargs)
        self.daemon = True


class _ConsumerThread(AIOKafkaConsumerThread):
    async def on_thread_stop(self) -> None:
        """Leave the group; without Kafka there is nobody to tell, and no end of trying."""
        leaving = asyncio.ensure_future(super().on_thread_stop())
        await asyncio.wait({leaving}, timeout=_LEAVE_SECONDS)
        if leaving.done() and not leaving.cancelled() and leaving.exception() is None:
            return
        # A connection that is lost just then has the client cancel itself.
        leaving.cancel()
        _log.warning("Kafka was not told that this worker leaves its group")
        with suppress(KafkaError, TimeoutError):
            async with asyncio.timeout(_LEAVE_SECONDS):
                await self._ensure_consumer()._client.close()

    async def _fetch_records(self, consumer: Any, active_partitions: Any, **how: Any) -> Any:
        """Records, of which none was fetched for another generation or a suspended flow."""
        generation = self.app.consumer_generation_id
        records = await super()._fetch_records(consumer, active_partitions, **how)
        if self.consumer.flow_active and generation == self.app.consumer_generation_id:
            return records
        for tp, found in records.items():
            if tp in consumer.assignment():
                consumer.seek(tp, found[0].offset)
        return {}


class OrderedConsumer(Consumer):
    """Commits in order, and asks for no more than there is room for."""

    app: Any

    async def on_stop(self) -> None:
        """Nothing: the app has committed before, or could not."""

    def let_go(self) -> None:
        """Close what its thread would have closed, had it been started."""
        thread = self._thread
        if not thread._thread_started.is_set():
            thread.thread_loop.close()

    def _new_consumer_thread(self) -> _ConsumerThread:
        return _ConsumerThread(self, loop=self.loop, beacon=self.beacon, Worker=DaemonThread)

    def _new_offset(self, tp: Any) -> int | None:
        """Where to go on in the partition: after the last ack, for they come in order.

        Faust looks for acks without a gap between them. Markers of transactions are gaps, which
        it keeps a tree of; it does not see all of them, and commits past a failed record.
        """
        acked = self._acked[tp]
        if not acked:
            return None
        last: int = max(acked)
        acked.clear()
        self._acked_index[tp].clear()
        return last + 1

    async def _add_gap(self, tp: Any, offset_from: int, offset_to: int) -> None:
        """Nobody asks for gaps."""

    async def wait_first(self, *coros: Any, timeout: Any = None) -> Any:  # noqa: ASYNC109
        """Faust hands over each message by this, with the end of the flow as the second one.

        It makes four tasks for it. Nothing has to be waited for as long as there is room; where
        there is none, the queue must not be what holds messages up: when it was full, Faust
        sleeps for a second.
        """
        if len(coros) != 2:
            return await super().wait_first(*coros, timeout=timeout)
        handing_over, suspended = coros
        suspended.close()
        room: Room = self.app
        if not room.has_room():
            await self._until_half(room)
        if self.suspend_flow.is_set() or self.should_stop:
            handing_over.close()
        else:
            await handing_over
        return None

    async def _until_half(self, room: Room) -> None:
        """Wait for more room than for one record, unless the flow ends."""
        while not (room.has_room(BACKLOG // 2) or self.suspend_flow.is_set() or self.should_stop):
            room.progress.clear()
            await super().wait_first(room.progress.wait(), self.suspend_flow.wait())


class OrderedTransport(Transport):
    """Has the consumer made that is wanted."""

    Consumer = OrderedConsumer

"""Gathers what a subscription receives one by one into deliveries."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

from event_store.eventstoredb.client import Reached
from event_store.port import Delivery, RecordedEvent
from event_store.positions import position_of

Received = RecordedEvent | Reached


async def deliveries(
    received: AsyncGenerator[Received], start: int, batch: int
) -> AsyncGenerator[Delivery]:
    """What was received, at most `batch` events at a time.

    History comes in full batches; once live, whatever is there is delivered at once.

    Raises:
        EventStoreUnavailable: the subscription broke.
    """
    queue: asyncio.Queue[Received] = asyncio.Queue(2 * batch)
    pump = asyncio.create_task(_pump(received, queue))
    gathering = _Gathering(start, batch)
    try:
        while True:
            await _next(queue, pump, gathering)
            while not gathering.is_full and not queue.empty():
                gathering.take(queue.get_nowait())
            if gathering.is_due:
                yield gathering.delivery(at_end=queue.empty())
    finally:
        pump.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await pump


async def _next(
    queue: asyncio.Queue[Received], pump: asyncio.Task[None], gathering: _Gathering
) -> None:
    """Take one, or raise what ended the subscription."""
    coming = asyncio.create_task(queue.get())
    try:
        await asyncio.wait({coming, pump}, return_when=asyncio.FIRST_COMPLETED)
        if coming.done():
            gathering.take(coming.result())
        else:
            pump.result()
    finally:
        coming.cancel()


async def _pump(received: AsyncGenerator[Received], queue: asyncio.Queue[Received]) -> None:
    async with aclosing(received):
        async for item in received:
            await queue.put(item)


class _Gathering:
    """What the next delivery will hold."""

    def __init__(self, start: int, batch: int) -> None:
        self._batch = batch
        self._events: list[RecordedEvent] = []
        self._position = position_of(start)
        self._live = False
        self._due = False
        self._moved = False

    def take(self, item: Received) -> None:
        if isinstance(item, RecordedEvent):
            self._events.append(item)
            self._position = item.position
            self._due = self._due or self._live
        elif item.position is None:
            self._live = self._due = True
        else:
            # The one at the end of history is followed by word of that: one delivery for both.
            self._due = self._due or self._live or self._moved
            self._moved = True
            self._position = max(self._position, position_of(item.position))

    @property
    def is_full(self) -> bool:
        return len(self._events) >= self._batch

    @property
    def is_due(self) -> bool:
        return self._due or self.is_full

    def delivery(self, *, at_end: bool) -> Delivery:
        delivery = Delivery(self._events, self._position, caught_up=self._live and at_end)
        self._events, self._due, self._moved = [], False, False
        return delivery

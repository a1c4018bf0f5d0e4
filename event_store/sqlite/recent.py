"""The last events, read once for all subscriptions that are near the head."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Awaitable, Callable, Collection
from itertools import islice

from event_store.port import Page, Position, RecordedEvent
from event_store.positions import number_of, position_of

KEPT = 1_000
"""Events that are kept at least, once there were so many; at most twice as many are."""
_STEP = 500

ReadPage = Callable[[Position, int], Awaitable[Page]]
"""Reads at most so many events of all categories after a position."""


class RecentEvents:
    """Serves pages from memory to whoever is not far behind the last one who asked.

    Who was at the head, or lies within what is kept, gets its events from here; everybody else
    has to read the file.
    """

    def __init__(self, read: ReadPage) -> None:
        """Read new events with `read`."""
        self._read = read
        self._reading = asyncio.Lock()
        self._numbers: list[int] = []
        self._events: list[tuple[str, RecordedEvent]] = []
        self._begin = self._end = -1
        self._at_end = False

    def begin_after(self, position: Position) -> None:
        """Keep what comes after this position, where nothing that reaches so far is kept."""
        number = number_of(position)
        if number > self._end:
            self._numbers, self._events = [], []
            self._begin = self._end = number
            self._at_end = True

    async def page(self, after: int, categories: Collection[str] | None, limit: int) -> Page | None:
        """At most `limit` events after this number; None when they are not all kept here.

        Raises:
            EventStoreError: new events could not be read.
        """
        if after == self._end:
            async with self._reading:
                if after == self._end:
                    await self._go_on()
        if not self._begin <= after <= self._end:
            return None
        kept = islice(self._events, bisect_right(self._numbers, after), None)
        ours = (e for category, e in kept if categories is None or category in categories)
        events = list(islice(ours, limit + 1))
        if len(events) > limit:
            return Page(events[:limit], events[limit - 1].position, at_end=False)
        return Page(events, position_of(self._end), self._at_end)

    async def _go_on(self) -> None:
        begin = self._end
        page = await self._read(position_of(begin), _STEP)
        if self._end != begin:
            return  # Somebody came who is further ahead.
        for event in page.events:
            category, separator, _ = event.stream.partition("-")
            self._numbers.append(number_of(event.position))
            self._events.append((category if separator else "", event))
        self._end, self._at_end = number_of(page.position), page.at_end
        if len(self._numbers) > 2 * KEPT:
            self._begin = self._numbers[-KEPT - 1]
            self._numbers, self._events = self._numbers[-KEPT:], self._events[-KEPT:]

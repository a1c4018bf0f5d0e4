"""Pages and subscriptions of several stores made into one, in the order of recorded times."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from event_store.composite import compose, parts_of
from event_store.errors import (
    AppendOutcomeUnknown,
    EventStoreCorrupt,
    EventStoreReadOnly,
    EventStoreUnavailable,
    InvalidPosition,
)
from event_store.port import Delivery, Page, Position, RecordedEvent, WholeEventStore
from event_store.tasks import stop

Result = TypeVar("Result")

Places = Mapping[str, Position | None]
"""How far each part was read; None: not at all."""
_FIRST = datetime.min.replace(tzinfo=UTC)


_SAY_WHICH = (
    EventStoreUnavailable,
    EventStoreReadOnly,
    EventStoreCorrupt,
    AppendOutcomeUnknown,
    InvalidPosition,
)
"""Errors that don't name a stream."""


@dataclass(frozen=True, slots=True)
class Part:
    """A store, and the contexts that have their events in it."""

    name: str
    store: WholeEventStore

    async def asked(self, ask: Callable[[WholeEventStore], Awaitable[Result]]) -> Result:
        """What the store answers to this; its errors say whose store it is.

        Nothing is asked before this runs: a coroutine would be left over if it never did.
        """
        try:
            return await ask(self.store)
        except _SAY_WHICH as error:
            raise type(error)(f"event store of {self.name}: {error}") from error

    async def subscription(
        self, after: Position | None, categories: Collection[str] | None, batch: int
    ) -> AsyncGenerator[Delivery]:
        """The store's subscription; its errors say whose store it is."""
        deliveries = self.store.subscribe(after=after, categories=categories, batch=batch)
        async with aclosing(deliveries):
            while True:
                try:
                    delivery = await self.asked(lambda _: anext(deliveries))
                except StopAsyncIteration:
                    return
                yield delivery


def composed(places: Places) -> Position:
    """The composite position of what was read."""
    return Position(compose({name: place or "" for name, place in places.items()}))


def places_in(position: Position | None, names: Iterable[str]) -> dict[str, Position | None]:
    """How far a composite position has read each of these parts.

    Raises:
        InvalidPosition: it is a plain one, or of other parts.
    """
    if position is None:
        return dict.fromkeys(names)
    parts = parts_of(position) or {}
    if parts.keys() != set(names) or compose(parts) != position:
        raise InvalidPosition(
            f"{position!r} is not a position of these stores: it would name each of them, as "
            f"{compose(dict.fromkeys(names, '...'))}"
        )
    return {name: Position(place) if place else None for name, place in parts.items()}


def merged(pages: Mapping[str, Page], after: Places, limit: int) -> Page:
    """The first events of the pages of several parts, each after its place.

    They are ordered by recorded time, then by part, but never against the order of their own part.
    It ends where what comes next is not known: behind a page that was not the last of its part.
    """
    events: list[RecordedEvent] = []
    places, taken = dict(after), dict.fromkeys(pages, 0)
    unknown = any(not page.events and not page.at_end for page in pages.values())
    # Of a part with times that went back the first one left is still taken first.
    for _, name, number in heapq.merge(*(_keys(name, page) for name, page in pages.items())):
        if unknown or len(events) == limit:
            break
        page = pages[name]
        events.append(page.events[number])
        taken[name] = number + 1
        unknown = taken[name] == len(page.events) and not page.at_end
    for name, page in pages.items():
        if taken[name] == len(page.events):
            places[name] = page.position
        elif taken[name]:
            places[name] = page.events[taken[name] - 1].position
    whole = all(page.at_end and taken[name] == len(page.events) for name, page in pages.items())
    return Page(events, composed(places), at_end=whole)


async def followed(
    subscriptions: Mapping[str, AsyncGenerator[Delivery]], after: Places
) -> AsyncGenerator[Delivery]:
    """What the subscriptions to several parts deliver, each after its place, as it comes.

    All of them are taken to be at their ends when this begins. The subscriptions are closed at
    the end.

    Raises:
        EventStoreError: whatever ended one of them.
    """
    places = dict(after)
    behind: set[str] = set()
    told_behind = False
    coming = {_coming(deliveries): name for name, deliveries in subscriptions.items()}
    try:
        while True:
            done, _ = await asyncio.wait(coming, return_when=asyncio.FIRST_COMPLETED)
            for task in _in_order(done):
                name, delivery = coming[task], task.result()
                del coming[task]
                coming[_coming(subscriptions[name])] = name
                moved = bool(delivery.events) or places[name] != delivery.position
                places[name] = delivery.position
                (behind.discard if delivery.caught_up else behind.add)(name)
                if moved or told_behind > bool(behind):
                    told_behind = bool(behind)
                    yield Delivery(delivery.events, composed(places), caught_up=not behind)
    finally:
        await stop(*coming)
        for deliveries in subscriptions.values():
            await deliveries.aclose()


def _keys(name: str, page: Page) -> Iterable[tuple[datetime, str, int]]:
    return ((event.recorded_at, name, number) for number, event in enumerate(page.events))


def _coming(deliveries: AsyncGenerator[Delivery]) -> asyncio.Task[Delivery]:
    return asyncio.create_task(_next(deliveries))


async def _next(deliveries: AsyncGenerator[Delivery]) -> Delivery:
    try:
        return await anext(deliveries)
    except StopAsyncIteration:
        raise EventStoreUnavailable("the subscription ended") from None


def _in_order(done: Iterable[asyncio.Task[Delivery]]) -> Sequence[asyncio.Task[Delivery]]:
    """Those that failed first, then by the times of their first events."""

    def order(task: asyncio.Task[Delivery]) -> tuple[bool, datetime]:
        events = () if task.exception() else task.result().events
        return (bool(events), events[0].recorded_at if events else _FIRST)

    return sorted(done, key=order)

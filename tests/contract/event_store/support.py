"""What the suites need from an adapter, and small helpers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID, uuid4

from event_store.port import EventStore, NewEvent, Position, RecordedEvent


@dataclass(frozen=True)
class Capabilities:
    """Where adapters may differ."""

    remembers_ids_for_any: bool = True
    """Appends with `ANY` are idempotent for ever, not only as long as a cache lasts."""
    passes_over_at_once: bool = True
    """A subscription says at once that it is past events of others, not only after some dozens."""
    composite_positions: bool = False
    """Pages end at positions of several stores at once: `part_for` has those of events."""


class Backend(Protocol):
    """One store of an adapter. Each module that enrols has a fixture `backend` that makes it."""

    capabilities: Capabilities

    async def open(self) -> Any:
        """Open the store; the fixture closes what is still open."""
        ...

    async def restart(self) -> Any:
        """Close all, as the end of the process would, and open the same store again."""
        ...


def unique(category: str = "order") -> str:
    """A stream that no other test uses."""
    return f"{category}-{uuid4()}"


def unique_category() -> str:
    """A category that no other test uses."""
    return f"c{uuid4().hex}"


def event(number: int = 0, *, id: UUID | None = None, type: str = "Happened") -> NewEvent:  # noqa: A002
    return NewEvent(id or uuid4(), type, b'{"n":%d}' % number, b'{"by":"test"}')


def some(count: int) -> list[NewEvent]:
    return [event(number) for number in range(count)]


def ids(events: Sequence[NewEvent | RecordedEvent]) -> list[UUID]:
    return [event.id for event in events]


def versions(events: Sequence[RecordedEvent]) -> list[int]:
    return [event.version for event in events]


async def page_through(
    store: EventStore,
    *,
    after: Position | None,
    limit: int,
    categories: Collection[str] | None = None,
) -> list[RecordedEvent]:
    """All events after a position, read page by page until one says that it was the last."""
    found: list[RecordedEvent] = []
    while True:
        page = await store.read_all(after=after, categories=categories, limit=limit)
        assert len(page.events) <= limit
        found += page.events
        after = page.position
        if page.at_end:
            return found


async def follow(
    store: EventStore, count: int, *, after: Position | None = None, **options: Any
) -> list[RecordedEvent]:
    """Subscribe and return when `count` events were delivered."""
    found: list[RecordedEvent] = []
    async with aclosing(store.subscribe(after=after, **options)) as deliveries:
        async for delivery in deliveries:
            found += delivery.events
            if len(found) >= count:
                break
    return found

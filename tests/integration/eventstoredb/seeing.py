"""A subscriber that notes what it sees."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from event_store.port import RecordedEvent, StreamState, WholeEventStore
from event_store.subscriptions import SubscriptionRunner
from tests.contract.event_store.support import event


class Seen:
    """What a subscriber has seen."""

    def __init__(self) -> None:
        self.ids: list[UUID] = []
        self._more = asyncio.Event()

    async def handle(self, recorded: RecordedEvent) -> None:
        self.ids.append(recorded.id)
        self._more.set()

    async def at_least(self, number: int) -> None:
        """Return when it has seen so many."""
        async with asyncio.timeout(20):
            while len(self.ids) < number:
                self._more.clear()
                await self._more.wait()


def runner_of(store: WholeEventStore, seen: Seen, **options: Any) -> SubscriptionRunner:
    """A runner of a subscriber to orders."""
    return SubscriptionRunner("seen", seen.handle, store, store, categories=["order"], **options)


@asynccontextmanager
async def subscribed(store: WholeEventStore) -> AsyncIterator[Seen]:
    """A subscriber that runs while this lasts, and waits out what fails."""
    seen = Seen()
    task = asyncio.create_task(runner_of(store, seen).run())
    try:
        yield seen
    finally:
        task.cancel()
        await asyncio.wait({task})


async def append(store: WholeEventStore, number: int) -> UUID:
    """Begin the order of that number; the event's id."""
    new = event()
    await store.append(f"order-{number}", [new], expected=StreamState.NO_STREAM)
    return new.id

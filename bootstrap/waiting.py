"""Servers may come later than the processes that need them: those wait, and say so."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar, cast

import structlog

from api.cli.application import CannotOpen
from api.http.health import Check
from bootstrap.front import Front
from event_store.errors import EventStoreError, EventStoreUnavailable
from event_store.kafka.errors import KafkaUnavailable
from event_store.port import WholeEventStore
from read_side.port import ReadStoreUnavailable

EVENT_STORE, READ_STORE, KAFKA = "the event store", "the read store", "Kafka"
FIRST_DELAY = 0.25
LONGEST_DELAY = 5.0
"""Seconds between tries."""
T = TypeVar("T")
_ASK_SECONDS = 1.5
_NOT_THERE = (EventStoreUnavailable, ReadStoreUnavailable, KafkaUnavailable, OSError)
_log = structlog.get_logger(__name__)


async def reached(what: str, open_it: Callable[[], Awaitable[T]], front: Front | None = None) -> T:
    """Open it, trying again for as long as its server is not there.

    Raises:
        CannotOpen: waiting does not help: a setting is wrong.
    """
    delay = FIRST_DELAY
    while True:
        try:
            return await open_it()
        except (CannotOpen, *_NOT_THERE) as error:
            if isinstance(error, CannotOpen) and not isinstance(error.__cause__, _NOT_THERE):
                raise
            for one in (error, error.__cause__):
                if isinstance(one, OSError) and one.filename is not None:
                    raise CannotOpen(f"{one.filename} can't be used: {one.strerror}") from None
            _log.warning(f"waits for {what}", because=str(error), again_in=round(delay, 2))
        if front is not None:
            front.waits_for(f"it waits for {what}")
        await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
        delay = min(delay * 2, LONGEST_DELAY)


def answering(events: WholeEventStore, otherwise: str) -> Check:
    """A check that says in words when the event store does not answer, and never fails.

    For who can do most of their work without it.
    """

    async def answers() -> str:
        try:
            async with asyncio.timeout(_ASK_SECONDS):
                await events.head()
        except (EventStoreError, TimeoutError):
            return otherwise
        return "ok"

    return answers


class _Later:
    """A store that is not there yet: whatever is asked of it is unavailable until it is."""

    def __init__(self) -> None:
        self.store: WholeEventStore | None = None

    def __getattr__(self, name: str) -> Any:
        if self.store is None:
            raise EventStoreUnavailable("the event store was not reached yet")
        return getattr(self.store, name)


@asynccontextmanager
async def reached_later(
    open_store: Callable[[], Awaitable[WholeEventStore]],
) -> AsyncGenerator[WholeEventStore]:
    """An event store that can be used at once, and is unavailable until it is reached.

    For who can do most of their work without it. It is closed at the end.
    """
    later = _Later()

    async def reach() -> None:
        later.store = await reached(EVENT_STORE, open_store)
        _log.info("the event store is reached")

    reaching = asyncio.create_task(reach())
    try:
        yield cast("WholeEventStore", later)
    finally:
        reaching.cancel()
        await asyncio.wait([reaching])
        if later.store is not None:
            await later.store.close()

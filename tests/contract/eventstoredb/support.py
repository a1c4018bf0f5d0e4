"""What tests of the EventStoreDB protocol share: events, and how to take them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from uuid import UUID, uuid4

from esdbclient import AsyncEventStoreDBClient, NewEvent, RecordedEvent, StreamState
from esdbclient.exceptions import ServiceUnavailable

ANY, EXISTS, NO_STREAM = StreamState.ANY, StreamState.EXISTS, StreamState.NO_STREAM
SOFT_DELETED = 2**63 - 1
"""As `$tb`: the stream is deleted, and can be written again."""
MAX_APPEND_SIZE = 1024 * 1024
WITHIN = 20.0
"""Seconds that are long enough for anything, also on a busy machine."""


def happened(number: int = 0, *, id: UUID | None = None, type: str = "Happened") -> NewEvent:  # noqa: A002
    return NewEvent(type, b'{"n":%d}' % number, b'{"by":"test"}', id=id or uuid4())


def some(count: int) -> list[NewEvent]:
    return [happened(number) for number in range(count)]


def ids(events: Iterable[NewEvent | RecordedEvent]) -> list[UUID]:
    return [event.id for event in events]


def revisions(events: Iterable[RecordedEvent]) -> list[int]:
    return [event.stream_position for event in events]


def positions(events: Iterable[RecordedEvent]) -> list[int]:
    return [event.commit_position for event in events]


async def listed(reading: Awaitable[AsyncIterator[RecordedEvent]]) -> list[RecordedEvent]:
    """All that a reading of the client gives."""
    return [event async for event in await reading]


async def end_of_all(client: AsyncEventStoreDBClient) -> int:
    """The position of the last event of all, system events included."""
    [last] = await listed(client.read_all(backwards=True, limit=1, filter_exclude=()))
    return last.commit_position


async def reachable(client: AsyncEventStoreDBClient) -> None:
    """Wait for a server that was started again: gRPC tries a refused address only after a while."""
    async with asyncio.timeout(WITHIN):
        while not await _answers(client):
            pass  # The client has waited between its own attempts.


async def _answers(client: AsyncEventStoreDBClient) -> bool:
    try:
        await client.get_commit_position()
    except ServiceUnavailable:
        return False
    return True


async def take(subscription: AsyncIterator[RecordedEvent], count: int) -> list[RecordedEvent]:
    """The next `count` that come; what does not come in time fails the test."""
    received: list[RecordedEvent] = []
    return await until(subscription, lambda _: len(received) == count, received)


async def until(
    subscription: AsyncIterator[RecordedEvent],
    enough: Callable[[RecordedEvent], bool],
    received: list[RecordedEvent] | None = None,
) -> list[RecordedEvent]:
    """What comes, up to the first that is enough."""
    received = [] if received is None else received
    try:
        async with asyncio.timeout(WITHIN):
            while True:
                received.append(await anext(subscription))
                if enough(received[-1]):
                    return received
    except StopAsyncIteration:  # The client turns a cancellation, so a timeout, into an end.
        raise AssertionError(f"after {WITHIN} s only {received}") from None


def is_caught_up(event: RecordedEvent) -> bool:
    return event.is_caught_up

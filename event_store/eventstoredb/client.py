"""What is asked of EventStoreDB, in our terms; the only file that knows its client library.

The library tries each call again by itself, so a call may reach the server several times: events
are always given as a list and keep their ids. What it reads can end early without an error when a
connection is replaced under it, so the end of every read is looked at.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self, TypeVar, cast

import grpc
from esdbclient import AsyncEventStoreDBClient
from esdbclient import NewEvent as EventToSend
from esdbclient import RecordedEvent as EventReceived
from esdbclient import StreamState as ClientStreamState
from esdbclient.client import DEFAULT_EXCLUDE_FILTER
from esdbclient.common import AbstractAsyncReadResponse
from esdbclient.exceptions import (
    AccessDeniedError,
    EventStoreDBClientException,
    MaximumAppendSizeExceededError,
    NodeIsNotLeader,
    NotFound,
    ServiceUnavailable,
    StreamIsDeleted,
    WrongCurrentVersion,
)

from event_store.errors import (
    AppendOutcomeUnknown,
    BatchTooLarge,
    EventStoreError,
    EventStoreReadOnly,
    EventStoreUnavailable,
)
from event_store.eventstoredb.cancellation import Unbroken, passed_on
from event_store.eventstoredb.channel import CHANNEL_OPTIONS
from event_store.eventstoredb.received import recorded_event
from event_store.eventstoredb.statuses import is_refusal, said
from event_store.port import ExpectedVersion, NewEvent, RecordedEvent, StreamState
from event_store.positions import number_of

Result = TypeVar("Result")

CALL_SECONDS = 5.0
"""How long one call may take, all attempts together."""
_WINDOW = 32
"""Events of others that a subscription passes over before it is told how far it is."""
_REFUSED = "the server does not let us do this: are user and password right?"
_STATES = {
    StreamState.NO_STREAM: ClientStreamState.NO_STREAM,
    StreamState.STREAM_EXISTS: ClientStreamState.EXISTS,
    StreamState.ANY: ClientStreamState.ANY,
}


class VersionConflict(Exception):
    """The stream is not at the expected version."""


@dataclass(frozen=True, slots=True)
class Reached:
    """A subscription has looked at everything up to a position, or (None) at all there is."""

    position: int | None


class Client:
    """One connection to a server or cluster."""

    def __init__(self, client: AsyncEventStoreDBClient) -> None:
        """Use `connect` instead."""
        self._client = client
        self._unbroken = Unbroken()
        self._closed = False

    @classmethod
    async def connect(cls, uri: str) -> Self:
        """Connect to `esdb://host:port?Tls=false` or any other URI of EventStoreDB.

        Raises:
            ValueError: the URI is not one.
            EventStoreUnavailable: no member of the cluster answers, or a certificate is missing.
        """
        client = AsyncEventStoreDBClient(uri)
        client.grpc_options += CHANNEL_OPTIONS
        with _translated(EventStoreUnavailable):
            await client.connect()
        return cls(client)

    async def append(
        self, stream: str, events: Sequence[NewEvent], expected: ExpectedVersion
    ) -> int:
        """Append all events or none; answers with the commit position of the last one.

        Raises:
            VersionConflict: the stream is at another version.
            AppendOutcomeUnknown: the answer was lost.
            BatchTooLarge, EventStoreReadOnly: nothing was written.
        """
        version = expected if isinstance(expected, int) else _STATES[expected]
        sent = [
            EventToSend(it.type, it.data, it.metadata, "application/json", it.id) for it in events
        ]

        async def work() -> int:
            return await self._unbroken.result_of(
                self._client.append_to_stream(
                    stream, current_version=version, events=sent, timeout=CALL_SECONDS
                )
            )

        return await self._call(work, AppendOutcomeUnknown)

    async def read_stream(
        self, stream: str, *, start: int | None, backwards: bool, limit: int
    ) -> list[RecordedEvent]:
        """At most `limit` events from version `start` on; none of a stream that does not exist.

        Raises:
            EventStoreUnavailable: it could not be read.
        """

        async def work() -> list[RecordedEvent]:
            try:
                return await _all_of(
                    await self._client.read_stream(
                        stream, stream_position=start, backwards=backwards, limit=limit
                    )
                )
            except (NotFound, StreamIsDeleted):
                return []

        return await self._call(work)

    async def read_all(
        self, pattern: str, *, start: int | None, backwards: bool = False, limit: int
    ) -> list[RecordedEvent]:
        """At most `limit` events of streams whose whole names match the regular expression.

        Forwards the event at the position `start` is the first, backwards it is left out.

        Raises:
            EventStoreUnavailable: it could not be read.
        """

        async def work() -> list[RecordedEvent]:
            return await _all_of(
                await self._client.read_all(
                    commit_position=start,
                    backwards=backwards,
                    filter_include=(pattern,),
                    filter_by_stream_name=True,
                    limit=limit,
                )
            )

        return await self._call(work)

    async def head(self, *, any_event: bool = False) -> int:
        """The position of the last event; 0 while there is none.

        The server's own events count if `any_event` is set.

        Raises:
            EventStoreUnavailable: it could not be read.
        """

        async def work() -> list[RecordedEvent]:
            return await _all_of(
                await self._client.read_all(
                    backwards=True,
                    limit=1,
                    filter_exclude=() if any_event else DEFAULT_EXCLUDE_FILTER,
                )
            )

        # The library's own call for this answers 0 as well when the connection is lost.
        last = await self._call(work)
        return number_of(last[0].position) if last else 0

    async def subscribe(
        self, pattern: str, *, after: int | None
    ) -> AsyncGenerator[RecordedEvent | Reached]:
        """Events of streams whose whole names match, after a position: history first, then live.

        Raises:
            EventStoreUnavailable: the subscription broke; begin another after the last position.
        """

        async def work() -> AbstractAsyncReadResponse:
            return await self._client.subscribe_to_all(
                commit_position=after,
                filter_include=(pattern,),
                filter_by_stream_name=True,
                include_checkpoints=True,
                include_caught_up=True,
                window_size=_WINDOW,
                checkpoint_interval_multiplier=1,
            )

        subscription = await self._call(work)
        async with subscription:
            with _translated(EventStoreUnavailable):
                async for event in subscription:
                    if event.is_caught_up:
                        yield Reached(None)
                    elif event.is_checkpoint:
                        yield Reached(event.commit_position)
                    else:
                        yield _recorded(event)
                raise _ended("the subscription ended")

    async def keep_newest_only(self, stream: str) -> None:
        """Let the server show no event of the stream but the last.

        Raises:
            EventStoreUnavailable: it could not be told.
        """

        async def work() -> None:
            await self._unbroken.result_of(
                self._client.set_stream_metadata(
                    stream, metadata={"$maxCount": 1}, current_version=ClientStreamState.ANY
                )
            )

        await self._call(work)

    async def close(self) -> None:
        """End what is under way and let go of the connection."""
        if not self._closed:
            self._closed = True
            await self._client.close()

    async def _call(
        self,
        work: Callable[[], Awaitable[Result]],
        lost: type[EventStoreError] = EventStoreUnavailable,
    ) -> Result:
        """Do it, once more on a new connection if the node is gone or is not the leader."""
        if self._closed:
            raise EventStoreUnavailable("the event store is closed")
        with _translated(lost):
            async with asyncio.timeout(CALL_SECONDS):
                with passed_on():
                    try:
                        return await work()
                    except NodeIsNotLeader as error:
                        await self._client.reconnect(error.leader_grpc_target)
                    except ServiceUnavailable:
                        await self._client.reconnect()
                    return await work()


async def _all_of(response: AbstractAsyncReadResponse) -> list[RecordedEvent]:
    async with response:
        events = [_recorded(event) async for event in response]
        if await cast("Any", response).aio_call.code() is not grpc.StatusCode.OK:
            raise _ended("a read ended early")
        return events


def _ended(why: str) -> BaseException:
    """What the library swallowed: a cancellation of ours, or that the connection was lost."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        return asyncio.CancelledError()
    return ServiceUnavailable(why)


@contextmanager
def _translated(lost: type[EventStoreError]) -> Generator[None]:
    """Turn the library's errors into ours; `lost` when the answer, or the server, did not come."""
    try:
        yield
    except WrongCurrentVersion as error:
        raise VersionConflict(str(error)) from error
    except MaximumAppendSizeExceededError as error:
        raise BatchTooLarge(f"the server takes less at once: {error}") from error
    except AccessDeniedError as error:
        raise EventStoreReadOnly(_REFUSED) from error
    except StreamIsDeleted as error:
        raise EventStoreReadOnly(f"the stream was deleted on the server: {error}") from error
    except (EventStoreDBClientException, grpc.RpcError, grpc.aio.UsageError, TimeoutError) as error:
        if is_refusal(error):
            raise EventStoreReadOnly(_REFUSED) from error
        raise lost(f"EventStoreDB does not answer: {said(error)}") from error
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        # Another call's failure made the library replace the connection that this one used.
        raise lost("the connection to EventStoreDB was replaced") from error


def _recorded(event: EventReceived) -> RecordedEvent:
    return recorded_event(
        id=event.id,
        stream=event.stream_name,
        version=event.stream_position,
        type=event.type,
        data=event.data,
        metadata=event.metadata,
        position=event.commit_position,
        recorded_at=event.recorded_at,
    )

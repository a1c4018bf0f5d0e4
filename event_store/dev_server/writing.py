"""The service `Streams`, as far as it writes one thing a call: Append, Delete and Tombstone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import TypeVar

from event_store.dev_server import appends
from event_store.dev_server.appends import Written
from event_store.dev_server.database import Database
from event_store.dev_server.messages import expected_of, filled, proposed, stream_of
from event_store.dev_server.protocol import streams_pb2
from event_store.dev_server.records import ANY, NO_STREAM, STREAM_EXISTS, Proposed
from event_store.dev_server.rpc import Call
from event_store.dev_server.statuses import append_too_large, invalid, timed_out
from event_store.errors import WrongExpectedVersion
from event_store.sqlite.writer import Transaction

Result = TypeVar("Result")
_OF_A_DELETION = 256
"""About how many bytes are written for it."""


class Writing:
    """Writes on behalf of clients, within the time and size that are allowed."""

    def __init__(self, database: Database, *, max_append_size: int, write_timeout: float) -> None:
        """Write to this database.

        Args:
            database: takes what is written.
            max_append_size: bytes that one append may hold.
            write_timeout: seconds that a write may take.
        """
        self._database = database
        self.max_append_size = max_append_size
        self.write_timeout = write_timeout

    async def append(
        self, requests: AsyncIterator[streams_pb2.AppendReq], call: Call
    ) -> streams_pb2.AppendResp:
        """Append what the call brings."""
        options, events = await self._received(requests)
        # Fails when the client has gone away: then it did not finish its list of events, which
        # looks the same up to here.
        await call.send_initial_metadata(())
        stream = stream_of(options)
        expected = expected_of(options.WhichOneof("expected_stream_revision"), options.revision)
        try:
            written = await self.write(stream, events, expected, self.write_timeout)
        except WrongExpectedVersion as error:
            return _wrong_version(error.current, expected)
        return _success(written)

    async def write(
        self, stream: str, events: list[Proposed], expected: int, seconds: float
    ) -> Written:
        """Append events.

        Raises:
            Refused: it took too long.
            EventStoreError: they were not written.
        """
        work = partial(appends.append, stream=stream, events=events, expected=expected)
        return await self._within(seconds, work, sum(event.size for event in events))

    async def delete(self, request: streams_pb2.DeleteReq, call: Call) -> streams_pb2.DeleteResp:
        """Delete a stream until it is written again."""
        options = request.options
        expected = expected_of(options.WhichOneof("expected_stream_revision"), options.revision)
        work = partial(appends.delete, stream=stream_of(options), expected=expected)
        position = await self._within(self.write_timeout, work, _OF_A_DELETION)
        return streams_pb2.DeleteResp(
            position=streams_pb2.DeleteResp.Position(
                commit_position=position, prepare_position=position
            )
        )

    async def tombstone(
        self, request: streams_pb2.TombstoneReq, call: Call
    ) -> streams_pb2.TombstoneResp:
        """Delete a stream for ever."""
        options = request.options
        expected = expected_of(options.WhichOneof("expected_stream_revision"), options.revision)
        work = partial(appends.tombstone, stream=stream_of(options), expected=expected)
        position = await self._within(self.write_timeout, work, _OF_A_DELETION)
        return streams_pb2.TombstoneResp(
            position=streams_pb2.TombstoneResp.Position(
                commit_position=position, prepare_position=position
            )
        )

    async def _within(
        self, seconds: float, work: Callable[[Transaction], Result], size: int
    ) -> Result:
        try:
            async with asyncio.timeout(seconds):
                return await self._database.write(work, size)
        except TimeoutError:
            raise timed_out() from None

    async def _received(
        self, requests: AsyncIterator[streams_pb2.AppendReq]
    ) -> tuple[streams_pb2.AppendReq.Options, list[Proposed]]:
        options: streams_pb2.AppendReq.Options | None = None
        events: list[Proposed] = []
        size = 0
        async for request in requests:
            content = request.WhichOneof("content")
            if options is None and content == "options":
                options = request.options
            elif options is not None and content == "proposed_message":
                events.append(proposed(request.proposed_message))
                size += events[-1].size
                if size > self.max_append_size:
                    raise append_too_large(self.max_append_size)
            else:
                raise invalid("An append begins with its options; events follow.")
        if options is None:
            raise invalid("An append begins with its options.")
        return options, events


def _success(written: Written) -> streams_pb2.AppendResp:
    success = filled(streams_pb2.AppendResp.Success(), written.revision, written.position)
    return streams_pb2.AppendResp(success=success)


def _wrong_version(current: int, expected: int) -> streams_pb2.AppendResp:
    wrong = streams_pb2.AppendResp.WrongExpectedVersion()
    if current == NO_STREAM:
        wrong.current_no_stream.SetInParent()
        wrong.no_stream_20_6_0.SetInParent()
    else:
        wrong.current_revision = wrong.current_revision_20_6_0 = current
    if expected == ANY:
        wrong.expected_any.SetInParent()
        wrong.any_20_6_0.SetInParent()
    elif expected == STREAM_EXISTS:
        wrong.expected_stream_exists.SetInParent()
        wrong.stream_exists_20_6_0.SetInParent()
    elif expected == NO_STREAM:
        wrong.expected_no_stream.SetInParent()
    else:
        wrong.expected_revision = wrong.expected_revision_20_6_0 = expected
    return streams_pb2.AppendResp(wrong_expected_version=wrong)

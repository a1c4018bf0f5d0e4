"""Calls as other clients make them: nothing between a test and what goes over the wire."""

from __future__ import annotations

from collections.abc import Awaitable, Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

import grpc
import pytest
from esdbclient import AsyncEventStoreDBClient, NewEvent, StreamState
from esdbclient.protos.Grpc import shared_pb2, streams_pb2, streams_pb2_grpc
from google.protobuf import duration_pb2, empty_pb2

from tests.contract.eventstoredb.support import ANY, EXISTS, NO_STREAM, WITHIN

_NAMES = {ANY: "any", EXISTS: "stream_exists", NO_STREAM: "no_stream"}

Expected = int | StreamState


def named(stream: str) -> shared_pb2.StreamIdentifier:
    return shared_pb2.StreamIdentifier(stream_name=stream.encode())


def expecting(options: Any, stream: str, expected: Expected) -> Any:
    """Options of an append, a delete or a tombstone."""
    if isinstance(expected, StreamState):
        of_google = options is streams_pb2.BatchAppendReq.Options
        empty = empty_pb2.Empty() if of_google else shared_pb2.Empty()
        return options(stream_identifier=named(stream), **{_NAMES[expected]: empty})
    field = "stream_position" if options is streams_pb2.BatchAppendReq.Options else "revision"
    return options(stream_identifier=named(stream), **{field: expected})


def proposed(kind: Any, event: NewEvent, **fields: Any) -> Any:
    """An event as a message of an `Append` or a `BatchAppend`; `fields` take precedence."""
    known = {
        "id": shared_pb2.UUID(string=str(event.id)),
        "metadata": {"type": event.type, "content-type": event.content_type},
        "custom_metadata": event.metadata,
        "data": event.data,
    }
    return kind.ProposedMessage(**{**known, **fields})


def chunk(
    correlation_id: UUID,
    events: Iterable[NewEvent],
    *,
    to: tuple[str, Expected] | None = None,
    final: bool = True,
    deadline: int | None = None,
) -> streams_pb2.BatchAppendReq:
    """A part of a batch; `to` (stream, expected version) belongs into the first one."""
    kind = streams_pb2.BatchAppendReq
    request = kind(
        correlation_id=shared_pb2.UUID(string=str(correlation_id)),
        proposed_messages=[proposed(kind, event) for event in events],
        is_final=final,
    )
    if to:
        request.options.CopyFrom(expecting(kind.Options, *to))
        if deadline is not None:
            request.options.deadline.CopyFrom(duration_pb2.Duration(seconds=deadline))
    return request


def reading(stream: str | None = None, **fields: Any) -> streams_pb2.ReadReq:
    """A forward reading from the start, of all if no stream is named; `fields` take precedence."""
    options = streams_pb2.ReadReq.Options
    empty = shared_pb2.Empty()
    source: dict[str, Any] = {"all": options.AllOptions(start=empty)}
    if stream is not None:
        source = {"stream": options.StreamOptions(stream_identifier=named(stream), start=empty)}
    known: dict[str, Any] = {
        **source,
        "read_direction": options.Forwards,
        "uuid_option": options.UUIDOption(string=empty),
    }
    if not {"count", "subscription"} & set(fields):
        known["count"] = 2**63 - 1
    if "filter" not in fields:
        known["no_filter"] = empty
    return streams_pb2.ReadReq(options=options(**{**known, **fields}))


def filtering(
    *, types: Sequence[str] | str = (), streams: Sequence[str] | str = (), **fields: Any
) -> Any:
    """A filter by prefixes, or by a regular expression if a string is given."""
    options = streams_pb2.ReadReq.Options.FilterOptions
    field, wanted = ("event_type", types) if types else ("stream_identifier", streams)
    by = {"regex": wanted} if isinstance(wanted, str) else {"prefix": wanted}
    window = {"max": 30, "checkpointIntervalMultiplier": 5}
    return options(**{field: options.Expression(**by)}, **{**window, **fields})


class Raw:
    """Calls on the channel of a client that show messages, statuses and trailers as they are."""

    def __init__(self, client: AsyncEventStoreDBClient) -> None:
        self.channel = client._connection._grpc_channel
        self.given: dict[str, Any] = {
            "metadata": (*client._call_metadata, ("requires-leader", "true")),
            "credentials": client._call_credentials,
            "timeout": WITHIN,
        }
        self._stub = streams_pb2_grpc.StreamsStub(self.channel)

    async def append(
        self, stream: str, expected: Expected, events: Iterable[NewEvent]
    ) -> streams_pb2.AppendResp:
        kind = streams_pb2.AppendReq
        return await self.append_messages(
            [
                kind(options=expecting(kind.Options, stream, expected)),
                *(kind(proposed_message=proposed(kind, event)) for event in events),
            ]
        )

    async def append_messages(
        self, messages: Iterable[streams_pb2.AppendReq]
    ) -> streams_pb2.AppendResp:
        return await self._stub.Append(iter(messages), **self.given)

    def batches(self) -> Any:
        """A call of `BatchAppend` to write to and to read from."""
        return self._stub.BatchAppend(**self.given)

    async def batch(
        self, *requests: streams_pb2.BatchAppendReq
    ) -> list[streams_pb2.BatchAppendResp]:
        """All replies to these requests."""
        return [reply async for reply in self._stub.BatchAppend(iter(requests), **self.given)]

    async def delete(self, stream: str, expected: Expected) -> streams_pb2.DeleteResp:
        kind = streams_pb2.DeleteReq
        request = kind(options=expecting(kind.Options, stream, expected))
        return await self._stub.Delete(request, **self.given)

    async def tombstone(self, stream: str, expected: Expected) -> streams_pb2.TombstoneResp:
        kind = streams_pb2.TombstoneReq
        request = kind(options=expecting(kind.Options, stream, expected))
        return await self._stub.Tombstone(request, **self.given)

    def open(self, request: streams_pb2.ReadReq, **given: Any) -> Any:
        """A call of `Read` that goes on until it ends or is cancelled."""
        return self._stub.Read(request, **{**self.given, **given})

    async def read(self, request: streams_pb2.ReadReq) -> list[streams_pb2.ReadResp]:
        return [reply async for reply in self.open(request)]

    async def read_events(self, request: streams_pb2.ReadReq) -> list[Any]:
        """The `ReadEvent` messages; anything else fails the test."""
        replies = await self.read(request)
        assert [reply.WhichOneof("content") for reply in replies] == ["event"] * len(replies)
        return [reply.event for reply in replies]


async def refusal(calling: Awaitable[object]) -> grpc.aio.AioRpcError:
    """How a call was refused."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await calling
    return caught.value


def trailers(error: grpc.aio.AioRpcError, of: Collection[str]) -> dict[str, str]:
    """These trailers of a refusal."""
    return {name: value for name, value in error.trailing_metadata() if name in of}


def names_of(read_events: Iterable[Any]) -> list[str]:
    """The streams that `ReadEvent` messages name."""
    return [read.event.stream_identifier.stream_name.decode() for read in read_events]


def unpacked(reply: streams_pb2.BatchAppendResp, kind: Any) -> Any:
    """The details of a batch's error, which must be of this kind."""
    assert reply.WhichOneof("result") == "error", reply
    details = kind()
    assert reply.error.details.Unpack(details), reply.error.details.type_url
    return details

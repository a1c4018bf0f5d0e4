"""Calls that no client library makes."""

from __future__ import annotations

import asyncio
import signal
import sys
from uuid import uuid4

import grpc
import pytest
from esdbclient.protos.Grpc import shared_pb2, streams_pb2, streams_pb2_grpc

STREAMS = "/event_store.client.streams.Streams"
EMPTY = shared_pb2.Empty()


def _options(stream: str = "s-1") -> streams_pb2.AppendReq:
    options = streams_pb2.AppendReq.Options(
        stream_identifier=shared_pb2.StreamIdentifier(stream_name=stream.encode()), any=EMPTY
    )
    return streams_pb2.AppendReq(options=options)


def _event(type_: str = "Happened") -> streams_pb2.AppendReq:
    message = streams_pb2.AppendReq.ProposedMessage(
        id=shared_pb2.UUID(string=str(uuid4())),
        metadata={"type": type_, "content-type": "application/json"},
    )
    return streams_pb2.AppendReq(proposed_message=message)


async def _types_in_log(channel) -> list[str]:
    options = streams_pb2.ReadReq.Options(
        all=streams_pb2.ReadReq.Options.AllOptions(start=EMPTY), count=1000, no_filter=EMPTY
    )
    call = streams_pb2_grpc.StreamsStub(channel).Read(streams_pb2.ReadReq(options=options))
    return [response.event.event.metadata["type"] async for response in call]


async def _after_one_more(channel) -> list[str]:
    """All that is written once an append, begun after all others, is."""
    stub = streams_pb2_grpc.StreamsStub(channel)
    await stub.Append(iter([_options(), _event("Last")]))
    return await _types_in_log(channel)


async def test_a_batch_without_correlation_is_refused_after_the_answers_to_those_before(channel):
    stub = streams_pb2_grpc.StreamsStub(channel)
    good = streams_pb2.BatchAppendReq(
        correlation_id=shared_pb2.UUID(string=str(uuid4())), is_final=True
    )
    good.options.stream_identifier.stream_name = b"s-1"
    good.options.any.SetInParent()
    call = stub.BatchAppend(iter([good, streams_pb2.BatchAppendReq(is_final=True)]))
    assert (await call.read()).correlation_id == good.correlation_id
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call.read()
    assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_client_that_cancels_an_append_has_appended_nothing(channel):
    stub = streams_pb2_grpc.StreamsStub(channel)
    calls = [stub.Append() for _ in range(50)]
    for call in calls:
        await call.write(_options())
        await call.write(_event())
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    assert await _after_one_more(channel) == ["$databaseCreated", "Last"]


async def test_a_client_that_dies_within_an_append_has_appended_nothing(server, channel):
    program = [sys.executable, "-m", "tests.integration.dev_server.leaving_process"]
    leaving = await asyncio.create_subprocess_exec(*program, str(server.port), "100")
    assert await leaving.wait() == -signal.SIGKILL
    assert await _after_one_more(channel) == ["$databaseCreated", "Last"]


async def test_names_of_streams_survive_in_trailers(channel):
    stub = streams_pb2_grpc.StreamsStub(channel)
    name = "größe-%1".encode()
    identifier = shared_pb2.StreamIdentifier(stream_name=name)
    tombstone = streams_pb2.TombstoneReq.Options(stream_identifier=identifier, any=EMPTY)
    await stub.Tombstone(streams_pb2.TombstoneReq(options=tombstone))
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await stub.Tombstone(streams_pb2.TombstoneReq(options=tombstone))
    trailers = dict([*raised.value.trailing_metadata()])
    assert raised.value.details() == "Event stream 'größe-%1' is deleted."
    assert trailers["stream-name"] == "gr%C3%B6%C3%9Fe-%251"

from __future__ import annotations

import asyncio
from uuid import uuid4

import grpc
import pytest
from esdbclient import NewEvent
from esdbclient.protos.Grpc import shared_pb2, streams_pb2

from tests.contract.eventstoredb.raw import (
    chunk,
    expecting,
    filtering,
    named,
    proposed,
    reading,
    refusal,
    unpacked,
)
from tests.contract.eventstoredb.support import ANY, NO_STREAM, happened, ids, revisions, some

APPEND, OPTIONS = streams_pb2.AppendReq, streams_pb2.ReadReq.Options
STREAMS = "/event_store.client.streams.Streams"


@pytest.fixture(autouse=True)
async def serves_on(client):
    """Whatever was asked, the server takes and gives events as before."""
    yield
    stream, new = f"after-{uuid4()}", some(2)
    await client.append_to_stream(stream, current_version=NO_STREAM, events=new)
    assert ids(await client.get_stream(stream)) == ids(new)


def at(commit, prepare):
    position = OPTIONS.Position(commit_position=commit, prepare_position=prepare)
    return {"all": OPTIONS.AllOptions(position=position)}


@pytest.mark.parametrize(
    "request_",
    [
        streams_pb2.ReadReq(),
        reading(filter=filtering(types="(")),
        reading(filter=OPTIONS.FilterOptions(max=1, checkpointIntervalMultiplier=1)),
        reading(**at(2**64 - 2, 2**64 - 2)),
        reading(**at(2**63, 2**63)),
    ],
    ids=["empty", "regex", "filter-of-nothing", "beyond-64-bits", "beyond-63-bits"],
)
async def test_5_1_a_reading_that_makes_no_sense_is_an_invalid_argument(raw, request_):
    """5.1, 3.14: INVALID_ARGUMENT with a sentence, for readings and for subscriptions."""
    subscribing = streams_pb2.ReadReq()
    subscribing.CopyFrom(request_)
    if request_.HasField("options"):
        subscribing.options.subscription.CopyFrom(OPTIONS.SubscriptionOptions())
    for request in (request_, subscribing):
        error = await refusal(raw.read(request))
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert error.details()


async def test_3_14_a_bad_position_is_named(raw):
    """3.14: the details of a position that cannot be."""
    error = await refusal(raw.read(reading(**at(2**63, 2**63))))

    assert error.details() == "Trying to read from an invalid position."


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [APPEND()],
        [APPEND(proposed_message=proposed(APPEND, happened()))],
        [APPEND(options=APPEND.Options(stream_identifier=named("s")))],
        [APPEND(options=expecting(APPEND.Options, "", ANY))],
        [
            APPEND(options=expecting(APPEND.Options, "malformed", ANY)),
            APPEND(options=expecting(APPEND.Options, "malformed", ANY)),
        ],
        [
            APPEND(options=expecting(APPEND.Options, "malformed", ANY)),
            APPEND(
                proposed_message=proposed(APPEND, happened(), id=shared_pb2.UUID(string="not one"))
            ),
        ],
    ],
    ids=["nothing", "empty", "no-options", "no-version", "no-stream", "options-twice", "bad-id"],
)
async def test_3_1_an_append_that_makes_no_sense_is_an_invalid_argument(client, raw, messages):
    """3.1: INVALID_ARGUMENT with a sentence; nothing is written."""
    error = await refusal(raw.append_messages(messages))

    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert error.details()
    assert await client.get_current_version("malformed") is NO_STREAM


@pytest.mark.parametrize("wrong", ["options", "correlation", "stream", "id"])
async def test_3_2_a_batch_that_makes_no_sense_ends_nothing_else(client, raw, stream, wrong):
    """3.2: it is refused, by a BadRequest or by the end of its call; nothing of it is written."""
    bad = chunk(uuid4(), some(1), to=(stream, ANY))
    if wrong == "options":
        bad.ClearField("options")
    elif wrong == "correlation":
        bad.correlation_id.string = "not one"
    elif wrong == "stream":
        bad.options.stream_identifier.stream_name = b"\xff\xfe"
    else:
        bad.proposed_messages[0].id.string = "not one"

    [answer] = await asyncio.gather(raw.batch(bad), return_exceptions=True)

    if isinstance(answer, grpc.aio.AioRpcError):
        assert answer.code() is grpc.StatusCode.INVALID_ARGUMENT
    else:
        [reply] = answer
        unpacked(reply, shared_pb2.BadRequest)
    assert await client.get_current_version(stream) is NO_STREAM


async def test_5_2_a_name_that_is_not_utf_8_is_an_invalid_argument(raw):
    """5.2: names of streams are UTF-8."""
    request = reading("s")
    request.options.stream.stream_identifier.stream_name = b"\xff\xfe"

    error = await refusal(raw.read(request))

    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize("method", ["Read", "Append", "BatchAppend", "Delete", "Tombstone"])
async def test_1_bytes_that_are_no_message_are_refused(raw, method):
    """1: what cannot be parsed ends the call, and nothing but the call."""
    call = raw.channel.stream_stream(f"{STREAMS}/{method}")(iter([b"\xff" * 20]), **raw.given)

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call.read()

    assert caught.value.code() in (grpc.StatusCode.INTERNAL, grpc.StatusCode.INVALID_ARGUMENT)


async def test_1_a_method_that_is_not_there_is_unimplemented(raw):
    """1: unknown services and methods are UNIMPLEMENTED."""
    for method in (f"{STREAMS}/Nothing", "/event_store.client.operations.Operations/StartScavenge"):
        error = await refusal(raw.channel.unary_unary(method)(b"", **raw.given))
        assert error.code() is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("method", ["Read", "GetInfo", "ReplayParked", "RestartSubsystem"])
async def test_8_3_what_persistent_subscriptions_cannot_do_is_said_in_a_sentence(raw, method):
    """8.3: UNIMPLEMENTED, with a sentence."""
    persistent = "/event_store.client.persistent_subscriptions.PersistentSubscriptions"
    call = raw.channel.stream_unary(f"{persistent}/{method}")(iter([b""]), **raw.given)

    error = await refusal(call)

    assert error.code() is grpc.StatusCode.UNIMPLEMENTED
    assert len(error.details().split()) > 4


@pytest.mark.parametrize(
    "data", [b"", b"no JSON", b"[]", b'{"$maxCount":"x"}', b'{"$tb":-1}', b"\xff"], ids=repr
)
async def test_5_5_metadata_that_make_no_sense_limit_nothing(client, stream, data):
    """5.5: a stream whose metadata cannot be understood is read as if there were none."""
    await client.append_to_stream(stream, current_version=NO_STREAM, events=some(3))
    wrong = NewEvent("$metadata", data)
    await client.append_to_stream(f"$${stream}", current_version=ANY, events=[wrong])

    assert revisions(await client.get_stream(stream)) == [0, 1, 2]
    await client.append_to_stream(stream, current_version=2, events=some(1))
    await client.delete_stream(stream, current_version=3)
    assert await client.get_current_version(stream) is NO_STREAM

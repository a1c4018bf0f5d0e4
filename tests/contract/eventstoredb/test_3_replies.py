from __future__ import annotations

from uuid import uuid4

import grpc
import pytest
from esdbclient import NewEvent
from esdbclient.exceptions import MaximumAppendSizeExceededError
from esdbclient.protos.Grpc import shared_pb2

from tests.contract.event_store.support import unique
from tests.contract.eventstoredb.raw import chunk, refusal, trailers, unpacked
from tests.contract.eventstoredb.support import (
    ANY,
    EXISTS,
    MAX_APPEND_SIZE,
    NO_STREAM,
    happened,
    ids,
    some,
)

EXPECTED = {ANY: "expected_any", EXISTS: "expected_stream_exists", NO_STREAM: "expected_no_stream"}


def of_size(size):
    """An event that counts `size` bytes: its data, its metadata and twice its type."""
    type_, metadata = "Sized", b'{"by":"test"}'
    return NewEvent(type_, b"x" * (size - len(metadata) - 2 * len(type_)), metadata)


async def test_3_10_success_tells_revision_and_position(client, raw, stream):
    """3.10: `Append` and `BatchAppend` tell the last event's revision and position."""
    appended = await raw.append(stream, NO_STREAM, some(3))
    [batched] = await raw.batch(chunk(uuid4(), some(2), to=(stream, 2)))

    recorded = await client.get_stream(stream)
    for reply, last in [(appended, recorded[2]), (batched, recorded[4])]:
        assert reply.success.current_revision == last.stream_position
        assert reply.success.WhichOneof("current_revision_option") == "current_revision"
        assert reply.success.position.commit_position == last.commit_position
        assert reply.success.position.prepare_position == last.commit_position


@pytest.mark.parametrize("expected", [EXISTS, 7], ids=str)
async def test_3_11_append_with_a_wrong_version_to_no_stream_is_a_reply(raw, stream, expected):
    """3.11: not an error of the call; the reply says `current_no_stream`, old fields too."""
    reply = await raw.append(stream, expected, some(1))

    wrong = reply.wrong_expected_version
    assert reply.WhichOneof("result") == "wrong_expected_version"
    assert wrong.WhichOneof("current_revision_option") == "current_no_stream"
    assert wrong.WhichOneof("current_revision_option_20_6_0") == "no_stream_20_6_0"
    told = EXPECTED.get(expected, "expected_revision")
    assert wrong.WhichOneof("expected_revision_option") == told


@pytest.mark.parametrize("expected", [NO_STREAM, 0, 7], ids=str)
async def test_3_11_append_with_a_wrong_version_to_a_stream_is_a_reply(raw, stream, expected):
    """3.11: the reply says the current revision and what was expected, in old fields too."""
    await raw.append(stream, NO_STREAM, some(3))

    wrong = (await raw.append(stream, expected, some(1))).wrong_expected_version

    assert wrong.WhichOneof("current_revision_option") == "current_revision"
    assert wrong.current_revision == wrong.current_revision_20_6_0 == 2
    told = EXPECTED.get(expected, "expected_revision")
    assert wrong.WhichOneof("expected_revision_option") == told
    if told == "expected_revision":
        assert wrong.expected_revision == wrong.expected_revision_20_6_0 == expected


async def test_3_12_a_batch_with_a_wrong_version_has_its_details(raw, stream):
    """3.12: code ALREADY_EXISTS, "WrongExpectedVersion", the current revision or no stream."""
    await raw.append(stream, NO_STREAM, some(3))
    cases = [
        (stream, 7, "current_stream_revision", "expected_stream_position"),
        (stream, NO_STREAM, "current_stream_revision", "expected_no_stream"),
        (unique(), EXISTS, "current_no_stream", "expected_stream_exists"),
        (unique(), 1, "current_no_stream", "expected_stream_position"),
    ]
    for name, expected, current, told in cases:
        [reply] = await raw.batch(chunk(uuid4(), some(1), to=(name, expected)))
        wrong = unpacked(reply, shared_pb2.WrongExpectedVersion)
        assert (reply.error.code, reply.error.message) == (6, "WrongExpectedVersion")
        assert wrong.WhichOneof("current_stream_revision_option") == current
        assert wrong.WhichOneof("expected_stream_position_option") == told
        if name == stream:
            assert wrong.current_stream_revision == 2


async def test_3_12_a_batch_to_a_deleted_stream_has_its_details(client, raw, stream):
    """3.12: code NOT_FOUND and StreamDeleted with the stream; the call itself ends well."""
    await client.tombstone_stream(stream, current_version=ANY)

    [reply] = await raw.batch(chunk(uuid4(), some(1), to=(stream, ANY)))

    deleted = unpacked(reply, shared_pb2.StreamDeleted)
    assert reply.error.code == 5
    assert deleted.stream_identifier.stream_name == stream.encode()


async def test_3_13_an_append_may_be_as_large_as_allowed(client, raw, stream):
    """3.13: data, metadata and twice the type of all events together may be 1 MiB."""
    single, half = of_size(MAX_APPEND_SIZE), MAX_APPEND_SIZE // 2

    await client.append_to_stream(stream, current_version=NO_STREAM, events=[single])
    await client.append_to_stream(stream, current_version=0, events=[of_size(half), of_size(half)])
    reply = await raw.append(stream, 2, [of_size(MAX_APPEND_SIZE)])

    assert reply.success.current_revision == 3
    recorded = await client.get_stream(stream)
    assert recorded[0].data == single.data
    assert len(recorded) == 4


async def test_3_13_a_larger_append_is_refused(client, raw, stream):
    """3.13: INVALID_ARGUMENT, a sentence, two trailers; nothing is written."""
    for events in ([of_size(MAX_APPEND_SIZE + 1)], [of_size(MAX_APPEND_SIZE), happened()]):
        error = await refusal(raw.append(stream, NO_STREAM, events))

        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert error.details() == f"Maximum Append Size of {MAX_APPEND_SIZE} Exceeded."
        expected = {
            "exception": "maximum-append-size-exceeded",
            "maximum-append-size": str(MAX_APPEND_SIZE),
        }
        assert trailers(error, of=expected) == expected
    assert await client.get_current_version(stream) is NO_STREAM


async def test_3_13_a_larger_batch_is_refused(client, raw, stream):
    """3.13: code INVALID_ARGUMENT and MaximumAppendSizeExceeded with the limit."""
    too_large = [of_size(MAX_APPEND_SIZE - 100), of_size(101)]

    [reply] = await raw.batch(chunk(uuid4(), too_large, to=(stream, NO_STREAM)))
    with pytest.raises(MaximumAppendSizeExceededError, match=str(MAX_APPEND_SIZE)):
        await client.append_to_stream(stream, current_version=NO_STREAM, events=too_large)

    exceeded = unpacked(reply, shared_pb2.MaximumAppendSizeExceeded)
    assert reply.error.code == 3
    assert exceeded.maxAppendSize == MAX_APPEND_SIZE
    assert await client.get_current_version(stream) is NO_STREAM


async def test_3_13_chunks_of_a_batch_count_together(client, raw, stream):
    """3.13: the limit is for the batch, in however many chunks it comes; the call goes on."""
    one, new = uuid4(), some(1)
    half = MAX_APPEND_SIZE // 2

    replies = await raw.batch(
        chunk(one, [of_size(half)], to=(stream, NO_STREAM), final=False),
        chunk(one, [of_size(half + 1)]),
        chunk(uuid4(), new, to=(stream, ANY)),
    )

    results = {reply.correlation_id.string == str(one): reply for reply in replies}
    unpacked(results[True], shared_pb2.MaximumAppendSizeExceeded)
    assert results[False].success.current_revision == 0
    assert ids(await client.get_stream(stream)) == ids(new)

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import grpc
import pytest
from esdbclient.protos.Grpc import shared_pb2, streams_pb2

from tests.contract.event_store.support import unique
from tests.contract.eventstoredb.raw import (
    chunk,
    expecting,
    proposed,
    refusal,
    trailers,
    unpacked,
)
from tests.contract.eventstoredb.support import ANY, NO_STREAM, WITHIN, happened, ids, some

REQUIRED = ("type", "content-type")


async def test_3_1_an_append_is_options_then_events_and_has_one_reply(client, raw, stream):
    """3.1: options, one message an event, half-close: one reply, all events in order."""
    new = some(5)

    reply = await raw.append(stream, NO_STREAM, new)

    assert reply.WhichOneof("result") == "success"
    assert ids(await client.get_stream(stream)) == ids(new)


async def test_3_2_a_batch_is_answered_before_the_client_half_closes(client, raw, stream):
    """3.2: one request with `is_final` is answered at once, and the call stays open for more."""
    call = raw.batches()
    for number, event in enumerate(some(3)):
        correlation_id = uuid4()
        await call.write(chunk(correlation_id, [event], to=(stream, ANY)))
        async with asyncio.timeout(WITHIN):
            reply = await call.read()
        assert UUID(reply.correlation_id.string) == correlation_id
        assert reply.success.current_revision == number
    await call.done_writing()

    assert await call.read() == grpc.aio.EOF


async def test_3_2_chunks_of_a_batch_are_one_batch(client, raw, stream):
    """3.2: events of one correlation id are collected until `is_final`, then written in order."""
    new, one = some(6), uuid4()

    replies = await raw.batch(
        chunk(one, new[:2], to=(stream, NO_STREAM), final=False),
        chunk(one, new[2:4], final=False),
        chunk(one, new[4:]),
    )

    assert [reply.success.current_revision for reply in replies] == [5]
    assert ids(await client.get_stream(stream)) == ids(new)


async def test_3_2_nothing_is_written_before_the_last_chunk(client, raw, stream):
    """3.2: a batch that is never final leaves nothing and gets no reply."""
    replies = await raw.batch(chunk(uuid4(), some(3), to=(stream, NO_STREAM), final=False))

    assert replies == []
    assert await client.get_current_version(stream) is NO_STREAM


async def test_3_2_batches_of_one_call_may_interleave(client, raw, stream):
    """3.2: chunks are told apart by correlation id, and each reply names its batch."""
    new, others = some(4), some(4)
    one, two, other = uuid4(), uuid4(), unique()

    replies = await raw.batch(
        chunk(one, new[:2], to=(stream, NO_STREAM), final=False),
        chunk(two, others[:2], to=(other, NO_STREAM), final=False),
        chunk(one, new[2:]),
        chunk(two, others[2:]),
    )

    assert {UUID(reply.correlation_id.string) for reply in replies} == {one, two}
    assert [reply.WhichOneof("result") for reply in replies] == ["success"] * 2
    assert ids(await client.get_stream(stream)) == ids(new)
    assert ids(await client.get_stream(other)) == ids(others)


async def test_3_2_every_batch_sent_before_the_half_close_is_answered(client, raw, stream):
    """3.2: the stream of replies stays open until all pending ones are out; a refusal ends none."""
    batches = [uuid4() for _ in range(20)]

    replies = await raw.batch(
        *(
            chunk(one, some(1), to=(stream, NO_STREAM if number % 5 == 4 else ANY))
            for number, one in enumerate(batches)
        )
    )

    results = {UUID(one.correlation_id.string): one.WhichOneof("result") for one in replies}
    expected = ["error" if number % 5 == 4 else "success" for number in range(20)]
    assert [results[one] for one in batches] == expected
    assert len(replies) == 20
    assert await client.get_current_version(stream) == 15


async def test_3_3_a_reply_echoes_correlation_id_and_stream(raw, stream):
    """3.3: also when the batch is refused; a structured correlation id comes back as it was."""
    structured = shared_pb2.UUID.Structured(most_significant_bits=-5, least_significant_bits=7)
    good = chunk(uuid4(), some(1), to=(stream, NO_STREAM))
    good.correlation_id.CopyFrom(shared_pb2.UUID(structured=structured))
    [written] = await raw.batch(good)
    wrong = chunk(uuid4(), some(1), to=(stream, NO_STREAM))

    [refused] = await raw.batch(wrong)

    assert written.correlation_id.structured == structured
    assert refused.correlation_id == wrong.correlation_id
    assert refused.WhichOneof("result") == "error"
    for reply in (written, refused):
        assert reply.stream_identifier.stream_name == stream.encode()


async def test_3_3_the_longest_deadline_is_no_deadline(client, raw, stream):
    """3.3: clients without a timeout send a deadline of ten thousand years."""
    [reply] = await raw.batch(chunk(uuid4(), some(1), to=(stream, ANY), deadline=315_576_000_000))

    assert reply.WhichOneof("result") == "success"


@pytest.mark.parametrize("deadline", [0, -1])
async def test_3_3_a_deadline_that_is_over_times_out(client, raw, stream, deadline):
    """3.3: a deadline of 0 or less gives a Timeout error, and nothing is written."""
    [reply] = await raw.batch(chunk(uuid4(), some(1), to=(stream, ANY), deadline=deadline))

    assert unpacked(reply, shared_pb2.Timeout) == shared_pb2.Timeout()
    assert reply.error.code == 4  # DEADLINE_EXCEEDED
    assert await client.get_current_version(stream) is NO_STREAM


@pytest.mark.parametrize("missing", REQUIRED)
async def test_3_5_an_event_without_required_metadata_is_refused(client, raw, stream, missing):
    """3.5: `type` and `content-type` are required of each event; the whole append is refused."""
    kind = streams_pb2.AppendReq
    metadata = {"type": "Happened", "content-type": "application/json"}
    del metadata[missing]
    messages = [
        kind(options=expecting(kind.Options, stream, NO_STREAM)),
        kind(proposed_message=proposed(kind, happened())),
        kind(proposed_message=proposed(kind, happened(), metadata=metadata)),
    ]

    error = await refusal(raw.append_messages(messages))

    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    expected = {"exception": "missing-required-metadata-property"}
    assert trailers(error, of=expected) == expected
    assert await client.get_current_version(stream) is NO_STREAM


@pytest.mark.parametrize("missing", REQUIRED)
async def test_3_5_a_batch_without_required_metadata_is_a_bad_request(client, raw, stream, missing):
    """3.5: in a batch it is a BadRequest; the call goes on with the next batch."""
    bad = chunk(uuid4(), some(2), to=(stream, NO_STREAM))
    del bad.proposed_messages[1].metadata[missing]
    good = chunk(uuid4(), some(3), to=(stream, NO_STREAM))
    call = raw.batches()
    replies = []
    for request in (bad, good):
        await call.write(request)
        replies.append(await call.read())
    await call.done_writing()

    unpacked(replies[0], shared_pb2.BadRequest)
    assert replies[0].error.code == 3  # INVALID_ARGUMENT
    assert replies[1].success.current_revision == 2
    assert await client.get_current_version(stream) == 2
    assert await call.read() == grpc.aio.EOF

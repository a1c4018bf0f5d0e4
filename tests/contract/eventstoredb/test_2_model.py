from __future__ import annotations

import time
from uuid import UUID

from esdbclient import NewEvent
from esdbclient.protos.Grpc import shared_pb2, streams_pb2

from tests.contract.event_store.support import unique
from tests.contract.eventstoredb.raw import expecting, proposed, reading
from tests.contract.eventstoredb.support import (
    ANY,
    NO_STREAM,
    end_of_all,
    happened,
    ids,
    listed,
    positions,
    revisions,
    some,
)

TICKS = 10_000_000  # a second


async def test_2_1_each_event_has_its_own_position_and_they_increase(client, stream, category):
    """2.1: one position an event, strictly increasing, also in a batch; commit == prepare."""
    for number in range(3):
        await client.append_to_stream(f"{category}-{number}", current_version=ANY, events=some(5))

    everything = await listed(
        client.read_all(filter_include=[f"{category}-.*"], filter_by_stream_name=True)
    )

    assert len(everything) == 15
    assert positions(everything) == sorted(set(positions(everything)))
    assert [event.prepare_position for event in everything] == positions(everything)


async def test_2_1_the_reply_has_the_position_of_the_last_event_of_the_batch(client, stream):
    """2.1: the reply to a write carries the position of the batch's last event, as recorded."""
    position = await client.append_to_stream(stream, current_version=NO_STREAM, events=some(3))

    assert positions(await client.get_stream(stream))[-1] == position


async def test_2_1_events_of_users_begin_above_position_0(client, stream):
    """2.1: 0 means "nothing matches", so no event of a user is at 0."""
    await client.append_to_stream(stream, current_version=NO_STREAM, events=some(1))

    [first] = await listed(client.read_all(limit=1))
    nothing = await client.get_commit_position(filter_include=[stream], filter_by_stream_name=False)

    assert first.commit_position > 0
    assert nothing == 0


async def test_2_1_the_commit_position_is_that_of_the_last_event_of_users(client, stream):
    """2.1: the position of the end is that of the last event that the filter lets through."""
    position = await client.append_to_stream(stream, current_version=NO_STREAM, events=some(2))
    await client.set_stream_metadata(stream, metadata={"a": 1})

    assert await client.get_commit_position() == position
    assert await client.get_commit_position(filter_exclude=()) > position


async def test_2_2_revisions_count_from_0_without_gaps(client, stream):
    """2.2: revisions of a stream are 0, 1, 2… whatever is written elsewhere in between."""
    for number in range(4):
        await client.append_to_stream(stream, current_version=ANY, events=some(number))
        await client.append_to_stream(unique(), current_version=ANY, events=some(1))

    assert revisions(await client.get_stream(stream)) == [0, 1, 2, 3, 4, 5]
    assert await client.get_current_version(stream) == 5


async def test_2_2_revisions_are_kept_across_a_soft_delete(client, stream):
    """2.2: after a soft delete numbering goes on."""
    await client.append_to_stream(stream, current_version=NO_STREAM, events=some(3))
    await client.delete_stream(stream, current_version=2)
    await client.append_to_stream(stream, current_version=NO_STREAM, events=some(2))

    assert revisions(await client.get_stream(stream)) == [3, 4]


async def test_2_3_a_recorded_event_is_what_was_proposed(client, stream):
    """2.3: id, type, data, metadata and content type come back as given, with their stream."""
    given = [
        happened(1),
        NewEvent("Ünïcode 事件", b"\x00\xff", b"", "application/octet-stream"),
        NewEvent("Empty", b""),
    ]
    await client.append_to_stream(stream, current_version=NO_STREAM, events=given)

    recorded = await client.get_stream(stream)

    for new, event in zip(given, recorded, strict=True):
        assert (new.id, new.type, new.data) == (event.id, event.type, event.data)
        assert (new.metadata, new.content_type) == (event.metadata, event.content_type)
        assert event.stream_name == stream
    assert revisions(recorded) == [0, 1, 2]


async def test_2_3_a_recorded_event_on_the_wire(client, raw, stream):
    """2.3: `id.string`, the stream in UTF-8, exactly `type`, `content-type` and `created`."""
    stream = f"{stream}-ä"
    new = happened(7)
    await client.append_to_stream(stream, current_version=NO_STREAM, events=[new])

    [read] = await raw.read_events(reading(stream))

    assert read.event.id.WhichOneof("value") == "string"
    assert UUID(read.event.id.string) == new.id
    assert read.event.stream_identifier.stream_name == stream.encode()
    assert set(read.event.metadata) == {"type", "content-type", "created"}
    assert read.event.commit_position == read.event.prepare_position > 0
    assert not read.HasField("link")


async def test_2_3_created_is_in_ticks_since_1970(client, raw, stream):
    """2.3: `created` counts 100 ns since the Unix epoch, in decimal, and never goes back."""
    before = time.time()
    for number in range(3):
        await client.append_to_stream(stream, current_version=ANY, events=[happened(number)])
    after = time.time()

    created = [read.event.metadata["created"] for read in await raw.read_events(reading(stream))]

    assert all(ticks.isdecimal() for ticks in created)
    ticks = [int(one) for one in created]
    assert ticks == sorted(ticks)
    assert before - 1 <= ticks[0] / TICKS <= ticks[-1] / TICKS <= after + 1


async def test_2_3_ids_are_structured_for_who_asks_so(client, raw, stream):
    """2.3: with `uuid_option=structured` the id comes as two signed halves."""
    new = happened(id=UUID("f3d2c1b0-a000-4000-8000-00000000abcd"))
    await client.append_to_stream(stream, current_version=NO_STREAM, events=[new])

    options = streams_pb2.ReadReq.Options
    structured = options.UUIDOption(structured=shared_pb2.Empty())
    [read] = await raw.read_events(reading(stream, uuid_option=structured))

    assert read.event.id.WhichOneof("value") == "structured"
    halves = read.event.id.structured
    bits = (halves.most_significant_bits % 2**64) << 64 | halves.least_significant_bits % 2**64
    assert UUID(int=bits) == new.id


async def test_2_3_ids_may_be_given_structured(client, raw, stream):
    """2.3: an id that was proposed as two halves reads as the same id."""
    new = happened(id=UUID("f3d2c1b0-a000-4000-8000-00000000abcd"))
    halves = (new.id.int >> 64, new.id.int & (2**64 - 1))
    signed = [half - 2**64 if half >= 2**63 else half for half in halves]
    structured = shared_pb2.UUID.Structured(
        most_significant_bits=signed[0], least_significant_bits=signed[1]
    )
    kind = streams_pb2.AppendReq
    message = proposed(kind, new, id=shared_pb2.UUID(structured=structured))

    await raw.append_messages(
        [
            kind(options=expecting(kind.Options, stream, NO_STREAM)),
            kind(proposed_message=message),
        ]
    )

    assert ids(await client.get_stream(stream)) == [new.id]


async def test_2_3_a_content_type_other_than_json_is_octet_stream(client, raw, stream):
    """2.3: only whether it is JSON is stored: any other content type reads as octet-stream."""
    kind = streams_pb2.AppendReq
    metadata = {"type": "Happened", "content-type": "text/plain"}

    await raw.append_messages(
        [
            kind(options=expecting(kind.Options, stream, NO_STREAM)),
            kind(proposed_message=proposed(kind, happened(), metadata=metadata)),
        ]
    )

    [event] = await client.get_stream(stream)
    assert event.content_type == "application/octet-stream"


async def test_2_4_read_events_carry_their_position(client, raw, stream):
    """2.4: the `position` of a read event is its commit position."""
    await client.append_to_stream(stream, current_version=NO_STREAM, events=some(2))

    for read in await raw.read_events(reading(stream)):
        assert read.WhichOneof("position") == "commit_position"
        assert read.commit_position == read.event.commit_position


async def test_2_5_ids_need_not_be_unique(client, stream):
    """2.5: an id may be in many streams, and several times in one batch, stored as given."""
    new, other = happened(), unique()

    await client.append_to_stream(stream, current_version=NO_STREAM, events=[new, new, new])
    await client.append_to_stream(other, current_version=ANY, events=[new])

    assert ids(await client.get_stream(stream)) == [new.id] * 3
    assert ids(await client.get_stream(other)) == [new.id]


async def test_2_6_the_first_event_of_all_is_of_the_system(client):
    """2.6: all begins with an event whose type begins with `$`."""
    [first] = await listed(client.read_all(limit=1, filter_exclude=()))

    assert first.type.startswith("$")
    assert first.is_system_event


async def test_2_7_nothing_is_written_behind_an_append(client, stream):
    """2.7: an appended event is the last of all, unfiltered: no link, no system event follows."""
    position = await client.append_to_stream(stream, current_version=NO_STREAM, events=some(1))

    assert await end_of_all(client) == position

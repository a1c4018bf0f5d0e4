from __future__ import annotations

import asyncio
import json

import pytest
from esdbclient import NewEvent
from esdbclient.exceptions import NotFound

from tests.contract.eventstoredb.raw import reading
from tests.contract.eventstoredb.support import (
    ANY,
    NO_STREAM,
    WITHIN,
    ids,
    listed,
    revisions,
    some,
)


@pytest.fixture
async def written(client, stream):
    """Ten events that are in the stream."""
    new = some(10)
    await client.append_to_stream(stream, current_version=NO_STREAM, events=new)
    return new


async def read(client, stream, **options):
    return revisions(await client.get_stream(stream, **options))


async def truncate(client, stream, **metadata):
    await client.set_stream_metadata(
        stream, metadata={f"${name}": value for name, value in metadata.items()}
    )


async def test_5_2_a_missing_stream_is_one_message(raw, stream):
    """5.2: `stream_not_found` with its name, and the call ends well."""
    [reply] = await raw.read(reading(stream))

    assert reply.WhichOneof("content") == "stream_not_found"
    assert reply.stream_not_found.stream_identifier.stream_name == stream.encode()


async def test_5_2_a_soft_deleted_stream_is_one_message(client, raw, written, stream):
    """5.2: a soft-deleted stream is as one that never was."""
    await client.delete_stream(stream, current_version=ANY)

    [reply] = await raw.read(reading(stream))

    assert reply.WhichOneof("content") == "stream_not_found"


async def test_5_2_a_stream_of_metadata_only_is_not_found(client, stream):
    """5.2: metadata does not make a stream that can be read."""
    await client.set_stream_metadata(stream, metadata={"a": 1})

    with pytest.raises(NotFound):
        await client.get_stream(stream)


async def test_5_3_forwards_from_a_revision_inclusive(client, written, stream):
    """5.3: forwards from n: n and above; without a start from 0."""
    assert await read(client, stream) == list(range(10))
    assert await read(client, stream, stream_position=0) == list(range(10))
    assert await read(client, stream, stream_position=7) == [7, 8, 9]
    assert await read(client, stream, stream_position=3, limit=2) == [3, 4]


async def test_5_3_backwards_from_a_revision_inclusive(client, written, stream):
    """5.3: backwards from n: n and below; without a start from the end; past it from the end."""
    back = list(range(9, -1, -1))
    assert await read(client, stream, backwards=True) == back
    assert await read(client, stream, backwards=True, stream_position=3) == [3, 2, 1, 0]
    assert await read(client, stream, backwards=True, stream_position=0) == [0]
    assert await read(client, stream, backwards=True, stream_position=10) == back
    assert await read(client, stream, backwards=True, stream_position=10**12, limit=2) == [9, 8]


async def test_5_3_a_limit_beyond_the_end_gives_all(client, written, stream):
    """5.3: the limit is an upper bound; without one everything is read."""
    assert len(await read(client, stream, limit=10)) == 10
    assert len(await read(client, stream, limit=2**63 - 1)) == 10


async def test_5_4_nothing_in_the_range_is_empty_and_not_missing(client, written, stream):
    """5.4: past the end of a stream that is there: nothing, and no error."""
    assert await read(client, stream, stream_position=10) == []
    assert await read(client, stream, stream_position=2**62) == []


async def test_5_4_a_stream_of_which_all_is_truncated_is_empty(client, written, stream):
    """5.4: everything truncated: nothing, and no error."""
    await truncate(client, stream, tb=10)

    assert await read(client, stream) == []
    assert await read(client, stream, backwards=True) == []


async def test_5_5_truncated_before_a_revision(client, written, stream):
    """5.5: `$tb` n: events below n are not read, wherever a reading begins."""
    await truncate(client, stream, tb=6)

    assert await read(client, stream) == [6, 7, 8, 9]
    assert await read(client, stream, stream_position=2, limit=2) == [6, 7]
    assert await read(client, stream, backwards=True) == [9, 8, 7, 6]
    assert await read(client, stream, backwards=True, stream_position=7) == [7, 6]
    assert await read(client, stream, backwards=True, stream_position=5) == []


async def test_5_5_the_last_few_only(client, written, stream):
    """5.5: `$maxCount` n: the last n, also of what comes later."""
    await truncate(client, stream, maxCount=3)
    assert await read(client, stream) == [7, 8, 9]

    await client.append_to_stream(stream, current_version=9, events=some(2))

    assert await read(client, stream) == [9, 10, 11]
    assert await read(client, stream, backwards=True, limit=9) == [11, 10, 9]
    assert await read(client, stream, stream_position=0, limit=1) == [9]
    assert await client.get_current_version(stream) == 11


async def test_5_5_of_two_limits_the_stricter_holds(client, written, stream):
    """5.5: the bound is the higher of `$tb` and last-`$maxCount`+1."""
    await truncate(client, stream, maxCount=3, tb=5)
    assert await read(client, stream) == [7, 8, 9]

    await truncate(client, stream, maxCount=6, tb=8)
    assert await read(client, stream) == [8, 9]

    await client.append_to_stream(stream, current_version=9, events=some(6))
    assert await read(client, stream) == [10, 11, 12, 13, 14, 15]


async def test_5_5_limits_can_be_lifted(client, written, stream):
    """5.5: the newest metadata count; what nobody scavenged is read again."""
    await truncate(client, stream, maxCount=1)
    assert await read(client, stream) == [9]

    await client.set_stream_metadata(stream, metadata={})

    assert await read(client, stream) == list(range(10))


async def test_5_5_limits_may_be_set_before_the_stream_is_there(client, stream):
    """5.5: metadata that were written first hold from the first event on."""
    await truncate(client, stream, maxCount=1)

    await client.append_to_stream(stream, current_version=NO_STREAM, events=some(3))

    assert await read(client, stream) == [2]


async def test_5_5_events_older_than_the_maximum_age_are_not_read(client, written, stream):
    """5.5: `$maxAge` in seconds, at the time of the reading; younger ones stay."""
    await truncate(client, stream, maxAge=3600)
    assert await read(client, stream) == list(range(10))

    await truncate(client, stream, maxAge=1)
    async with asyncio.timeout(WITHIN):
        while await read(client, stream):  # noqa: ASYNC110 - nothing to await but time
            await asyncio.sleep(0.05)
    assert await read(client, stream, backwards=True) == []
    await client.append_to_stream(stream, current_version=9, events=some(1))

    assert await read(client, stream) == [10]
    await truncate(client, stream, maxAge=3600)
    assert await read(client, stream) == list(range(11))


async def test_5_5_truncated_events_stay_in_all(client, written, stream):
    """5.5: until somebody scavenges, all shows what no reading of the stream does."""
    await truncate(client, stream, maxCount=1)

    seen = await listed(client.read_all(filter_include=[stream], filter_by_stream_name=True))

    assert ids(seen) == ids(written)


async def test_5_5_truncated_events_are_still_recognised(client, written, stream):
    """5.5: limits are for reading: a repeated append is still the same one."""
    await truncate(client, stream, maxCount=2)

    await client.append_to_stream(stream, current_version=NO_STREAM, events=written)
    await client.append_to_stream(stream, current_version=ANY, events=written)

    assert await read(client, stream) == [8, 9]


async def test_5_6_metadata_are_a_stream_of_which_the_newest_is_read(client, stream):
    """5.6: `$$s` counts its revisions; only the newest event is readable."""
    for number in range(3):
        await client.set_stream_metadata(stream, metadata={"n": number})

    assert await client.get_stream_metadata(stream) == ({"n": 2}, 2)
    for backwards in (False, True):
        [newest] = await client.get_stream(f"$${stream}", backwards=backwards)
        assert (newest.type, newest.stream_position) == ("$metadata", 2)
        assert json.loads(newest.data) == {"n": 2}
        assert newest.content_type == "application/json"


async def test_5_6_without_metadata_there_is_no_such_stream(client, written, stream):
    """5.6: no metadata were ever written: `$$s` is not found."""
    assert await client.get_stream_metadata(stream) == ({}, NO_STREAM)


async def test_5_6_metadata_have_versions_to_expect(client, stream):
    """5.6: `$$s` is appended to as any other stream."""
    event = NewEvent("$metadata", b'{"$maxCount":5}')
    await client.append_to_stream(f"$${stream}", current_version=NO_STREAM, events=[event])

    await client.set_stream_metadata(stream, metadata={"a": 1}, current_version=0)

    assert await client.get_stream_metadata(stream) == ({"a": 1}, 1)

from __future__ import annotations

import pytest
from esdbclient.exceptions import NotFound, StreamIsDeleted, WrongCurrentVersion

from tests.contract.eventstoredb.support import (
    ANY,
    EXISTS,
    NO_STREAM,
    end_of_all,
    ids,
    listed,
    some,
)

EVERY_VERSION = [ANY, EXISTS, NO_STREAM, 0, 2]


@pytest.fixture
async def written(client, stream):
    """Three events that are in the stream."""
    new = some(3)
    await client.append_to_stream(stream, current_version=NO_STREAM, events=new)
    return new


@pytest.mark.parametrize("expected", [ANY, EXISTS, 2], ids=str)
async def test_4_7_a_tombstone_is_for_ever(client, written, stream, expected):
    """4.7: a tombstoned stream can neither be read nor written again."""
    await client.tombstone_stream(stream, current_version=expected)

    for backwards in (False, True):
        with pytest.raises(StreamIsDeleted):
            await client.get_stream(stream, backwards=backwards)
    with pytest.raises(StreamIsDeleted):
        await client.get_current_version(stream)
    with pytest.raises(StreamIsDeleted):
        await client.append_to_stream(stream, current_version=ANY, events=some(1))


async def test_4_7_a_tombstone_is_an_event_of_the_last_revision(client, written, stream):
    """4.7: `$streamDeleted` at revision 2^63-1 is what all shows; the events stay there."""
    before = await end_of_all(client)

    await client.tombstone_stream(stream, current_version=2)

    seen = await listed(client.read_all(commit_position=before, filter_exclude=()))
    mine = [event for event in seen if event.stream_name == stream]
    assert ids(mine)[:-1] == ids(written)[2:]
    assert (mine[-1].type, mine[-1].stream_position) == ("$streamDeleted", 2**63 - 1)


@pytest.mark.parametrize("expected", [NO_STREAM, 0, 3], ids=str)
async def test_4_7_a_wrong_version_leaves_the_stream(client, written, stream, expected):
    """4.7: a wrong version is refused."""
    with pytest.raises(WrongCurrentVersion):
        await client.tombstone_stream(stream, current_version=expected)

    assert ids(await client.get_stream(stream)) == ids(written)


async def test_4_8_with_any_what_never_was_can_be_tombstoned(client, stream):
    """4.8: `any` on a stream that never existed succeeds."""
    await client.tombstone_stream(stream, current_version=ANY)

    with pytest.raises(StreamIsDeleted):
        await client.append_to_stream(stream, current_version=NO_STREAM, events=some(1))


@pytest.mark.parametrize("expected", [EXISTS, 0, 5], ids=str)
async def test_4_8_else_what_never_was_is_not_found(client, stream, expected):
    """4.8: `exists` or a number on a stream that never existed: not found."""
    with pytest.raises(NotFound):
        await client.tombstone_stream(stream, current_version=expected)


@pytest.mark.parametrize("expected", EVERY_VERSION, ids=str)
async def test_4_8_again_then_stream_deleted(client, written, stream, expected):
    """4.8: tombstoning again, or deleting, is refused whatever version is expected."""
    await client.tombstone_stream(stream, current_version=2)

    with pytest.raises(StreamIsDeleted):
        await client.tombstone_stream(stream, current_version=expected)
    with pytest.raises(StreamIsDeleted):
        await client.delete_stream(stream, current_version=expected)


async def test_4_8_a_deleted_stream_can_be_tombstoned(client, written, stream):
    """4.8: soft first, for ever then."""
    await client.delete_stream(stream, current_version=2)

    await client.tombstone_stream(stream, current_version=2)

    with pytest.raises(StreamIsDeleted):
        await client.get_stream(stream)


async def test_4_9_metadata_of_a_tombstoned_stream_cannot_be_read(client, written, stream):
    """4.9: a reading of `$$s` is refused as one of s, with metadata and without."""
    await client.set_stream_metadata(stream, metadata={"a": 1})
    await client.tombstone_stream(stream, current_version=2)

    with pytest.raises(StreamIsDeleted):
        await client.get_stream_metadata(stream)


async def test_4_9_metadata_of_a_tombstoned_stream_can_be_written(client, written, stream):
    """4.9: an append to `$$s` succeeds, with a number and with any."""
    await client.set_stream_metadata(stream, metadata={"a": 1})
    await client.tombstone_stream(stream, current_version=2)

    await client.set_stream_metadata(stream, metadata={"a": 2}, current_version=0)
    await client.set_stream_metadata(stream, metadata={"a": 3}, current_version=ANY)

    with pytest.raises(StreamIsDeleted):
        await client.get_stream_metadata(stream)

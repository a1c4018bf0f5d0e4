from __future__ import annotations

import pytest

from tests.contract.eventstoredb.support import (
    ANY,
    NO_STREAM,
    SOFT_DELETED,
    ids,
    revisions,
    some,
)


@pytest.fixture
async def deleted(client, stream):
    """A stream of three events that was deleted, softly."""
    await client.append_to_stream(stream, current_version=NO_STREAM, events=some(3))
    await client.delete_stream(stream, current_version=2)
    return stream


@pytest.mark.parametrize("expected", [NO_STREAM, ANY, 2], ids=str)
async def test_3_9_written_again_then_goes_on_behind_the_deleted(client, deleted, expected):
    """3.9: no stream, any and the last revision are right; numbers go on, old events stay away."""
    new = some(2)

    await client.append_to_stream(deleted, current_version=expected, events=new)

    recorded = await client.get_stream(deleted)
    assert revisions(recorded) == [3, 4]
    assert ids(recorded) == ids(new)
    assert ids(await client.get_stream(deleted, backwards=True)) == ids(new)[::-1]


async def test_3_9_written_again_then_metadata_truncates_before_the_new(client, deleted):
    """3.9: a `$metadata` event is written: `$tb` is the first new revision."""
    assert await client.get_stream_metadata(deleted) == ({"$tb": SOFT_DELETED}, 0)

    await client.append_to_stream(deleted, current_version=ANY, events=some(2))

    assert await client.get_stream_metadata(deleted) == ({"$tb": 3}, 1)


async def test_3_9_written_again_twice_then_nothing_is_truncated_anew(client, deleted):
    """3.9: only the first write to a soft-deleted stream touches its metadata."""
    for _ in range(2):
        await client.append_to_stream(deleted, current_version=ANY, events=some(2))

    assert revisions(await client.get_stream(deleted)) == [3, 4, 5, 6]
    assert await client.get_stream_metadata(deleted) == ({"$tb": 3}, 1)


async def test_3_9_deleted_and_written_several_times_then_only_the_last_are_read(client, deleted):
    """3.9: each round hides what was before."""
    for last in (4, 6):
        await client.append_to_stream(deleted, current_version=NO_STREAM, events=some(2))
        await client.delete_stream(deleted, current_version=last)
        assert await client.get_current_version(deleted) is NO_STREAM
    await client.append_to_stream(deleted, current_version=NO_STREAM, events=some(1))

    assert revisions(await client.get_stream(deleted)) == [7]


async def test_3_9_metadata_of_a_deleted_stream_is_written_then_it_is_not_deleted(client, deleted):
    """3.9: the stream is there again, empty: `$tb` joins what was written."""
    await client.set_stream_metadata(deleted, metadata={"colour": "red"})

    metadata, _ = await client.get_stream_metadata(deleted)
    assert metadata["colour"] == "red"
    assert metadata["$tb"] == 3
    assert await client.get_stream(deleted) == ()


async def test_3_9_after_its_metadata_was_written_a_deleted_stream_goes_on(client, deleted):
    """3.9: what is then written is read; user's metadata stay."""
    await client.set_stream_metadata(deleted, metadata={"colour": "red"})

    await client.append_to_stream(deleted, current_version=2, events=some(1))

    assert revisions(await client.get_stream(deleted)) == [3]
    metadata, _ = await client.get_stream_metadata(deleted)
    assert metadata["colour"] == "red"

from __future__ import annotations

import json

import pytest
from esdbclient.exceptions import NotFound, StreamIsDeleted, WrongCurrentVersion

from tests.contract.eventstoredb.support import (
    ANY,
    EXISTS,
    NO_STREAM,
    SOFT_DELETED,
    end_of_all,
    ids,
    listed,
    some,
)


@pytest.fixture
async def written(client, stream):
    """Three events that are in the stream."""
    new = some(3)
    await client.append_to_stream(stream, current_version=NO_STREAM, events=new)
    return new


@pytest.mark.parametrize("expected", [ANY, NO_STREAM, EXISTS, 0, 7], ids=str)
async def test_4_1_deleting_what_is_not_there_then_not_found(client, stream, expected):
    """4.1: neither events nor metadata: not found, whatever version is expected."""
    with pytest.raises(NotFound):
        await client.delete_stream(stream, current_version=expected)


async def test_4_1_a_stream_of_metadata_only_can_be_deleted(client, stream):
    """4.1: metadata alone is enough to be deleted."""
    await client.set_stream_metadata(stream, metadata={"a": 1})

    await client.delete_stream(stream, current_version=ANY)

    assert await client.get_stream_metadata(stream) == ({"$tb": SOFT_DELETED}, 1)


@pytest.mark.parametrize("expected", [ANY, EXISTS, 2], ids=str)
async def test_4_2_a_deleted_stream_is_not_found(client, written, stream, expected):
    """4.2: after a delete with the right version the stream is not found, in any direction."""
    await client.delete_stream(stream, current_version=expected)

    for backwards in (False, True):
        with pytest.raises(NotFound):
            await client.get_stream(stream, backwards=backwards)
    assert await client.get_current_version(stream) is NO_STREAM


@pytest.mark.parametrize("expected", [NO_STREAM, 0, 1, 3], ids=str)
async def test_4_2_a_wrong_version_deletes_nothing(client, written, stream, expected):
    """4.2: a wrong version is refused."""
    with pytest.raises(WrongCurrentVersion, match="Actual version: 2"):
        await client.delete_stream(stream, current_version=expected)

    assert ids(await client.get_stream(stream)) == ids(written)


async def test_4_3_a_delete_is_metadata_that_replaces_other(client, written, stream):
    """4.3: a `$metadata` event with nothing but `$tb`, which can be seen in all."""
    await client.set_stream_metadata(stream, metadata={"$maxCount": 2, "colour": "red"})
    before = await end_of_all(client)

    await client.delete_stream(stream, current_version=ANY)

    seen = await listed(client.read_all(commit_position=before + 1, filter_exclude=()))
    [written] = [event for event in seen if event.stream_name == f"$${stream}"]
    assert (written.type, written.stream_position) == ("$metadata", 1)
    assert json.loads(written.data) == {"$tb": SOFT_DELETED}
    assert await client.get_stream_metadata(stream) == ({"$tb": SOFT_DELETED}, 1)


async def test_4_4_deleting_again_with_any_or_the_same_version_succeeds(client, written, stream):
    """4.4: a delete may be repeated."""
    for expected in (2, ANY, 2):
        await client.delete_stream(stream, current_version=expected)

    assert await client.get_current_version(stream) is NO_STREAM


async def test_4_4_deleting_again_with_exists_then_stream_deleted(client, written, stream):
    """4.4: what is deleted does not exist."""
    await client.delete_stream(stream, current_version=2)

    with pytest.raises(StreamIsDeleted):
        await client.delete_stream(stream, current_version=EXISTS)


async def test_4_4_deleting_again_with_a_wrong_version_is_refused(client, written, stream):
    """4.4: the version counts also when it is deleted already."""
    await client.delete_stream(stream, current_version=2)

    for expected in (1, 3):
        with pytest.raises(WrongCurrentVersion):
            await client.delete_stream(stream, current_version=expected)


async def test_4_5_the_events_of_a_deleted_stream_stay_in_all(client, written, stream, start):
    """4.5: a delete hides events from readings of the stream only."""
    await client.delete_stream(stream, current_version=2)

    seen = await listed(client.read_all(filter_include=[stream], filter_by_stream_name=True))

    assert ids(seen) == ids(written)


async def test_4_6_a_delete_replies_with_the_position_of_what_it_wrote(raw, client, stream):
    """4.6: deletes and tombstones reply with the position of their event."""
    await client.append_to_stream(stream, current_version=NO_STREAM, events=some(1))

    deleted = await raw.delete(stream, 0)
    assert deleted.position.commit_position == await end_of_all(client)

    gone = await raw.tombstone(stream, 0)
    assert gone.position.commit_position == await end_of_all(client)
    assert gone.position.commit_position > deleted.position.commit_position
    assert gone.position.prepare_position == gone.position.commit_position

from __future__ import annotations

import pytest
from esdbclient.exceptions import StreamIsDeleted, WrongCurrentVersion

from tests.contract.event_store.support import unique
from tests.contract.eventstoredb.support import (
    ANY,
    EXISTS,
    NO_STREAM,
    happened,
    ids,
    positions,
    some,
)

ALL_KINDS = [ANY, EXISTS, NO_STREAM, 0, 1, 99]


@pytest.fixture
async def written(client, stream):
    """Five events that are in the stream."""
    new = some(5)
    await client.append_to_stream(stream, current_version=NO_STREAM, events=new)
    return new


async def append(client, stream, expected, events):
    return await client.append_to_stream(stream, current_version=expected, events=events)


async def refuses(client, stream, expected, events):
    """The append is refused for its version, and changes nothing."""
    before = ids(await client.get_stream(stream))
    with pytest.raises(WrongCurrentVersion) as caught:
        await append(client, stream, expected, events)
    assert ids(await client.get_stream(stream)) == before
    return str(caught.value)


async def test_3_4_a_batch_is_written_whole_or_not_at_all(client, stream, written):
    """3.4: a batch is one transaction: refused for one event, none of it is there."""
    await refuses(client, stream, 3, [written[4], *some(3)])


@pytest.mark.parametrize("expected", ALL_KINDS, ids=str)
async def test_3_6_1_a_tombstoned_stream_is_deleted_whatever_is_expected(
    client, stream, written, expected
):
    """3.6.1: StreamDeleted comes before any check of the version, also for events it had."""
    await client.tombstone_stream(stream, current_version=4)

    for events in (some(1), written[:1]):
        with pytest.raises(StreamIsDeleted):
            await append(client, stream, expected, events)


async def test_3_6_2_exists_when_there_is_no_stream_then_refused(client, stream):
    """3.6.2: neither events nor metadata: wrong expected version, no stream."""
    with pytest.raises(WrongCurrentVersion, match="does not exist"):
        await append(client, stream, EXISTS, some(1))


async def test_3_6_2_exists_when_there_is_metadata_only_then_written(client, stream):
    """3.6.2: metadata alone counts as existing."""
    await client.set_stream_metadata(stream, metadata={"a": 1})

    await append(client, stream, EXISTS, some(2))

    assert await client.get_current_version(stream) == 1


async def test_3_6_2_exists_when_soft_deleted_then_stream_deleted(client, stream, written):
    """3.6.2: a soft-deleted stream does not exist; also a known event is refused."""
    await client.delete_stream(stream, current_version=4)

    for events in (some(1), written[:1]):
        with pytest.raises(StreamIsDeleted):
            await append(client, stream, EXISTS, events)


@pytest.mark.parametrize("expected", [ANY, EXISTS], ids=str)
class Test36AnyAndExists:
    """3.6.3: every id is looked up in the stream."""

    async def test_3_6_3_none_known_then_written(self, client, stream, written, expected):
        """3.6.3: no id is known: write."""
        more = some(2)

        await append(client, stream, expected, more)

        assert ids(await client.get_stream(stream)) == ids([*written, *more])

    async def test_3_6_3_all_known_then_nothing_is_written_again(
        self, client, stream, written, expected
    ):
        """3.6.3: first known, all known: the same answer as before, nothing written."""
        at = positions(await client.get_stream(stream))

        assert await append(client, stream, expected, written) == at[4]
        assert await append(client, stream, expected, written[1:3]) == at[2]
        assert ids(await client.get_stream(stream)) == ids(written)

    async def test_3_6_3_a_later_one_unknown_then_refused(self, client, stream, written, expected):
        """3.6.3: first known, a later one not: wrong expected version."""
        await refuses(client, stream, expected, [written[3], written[4], happened()])

    async def test_3_6_3_the_first_unknown_then_all_written(
        self, client, stream, written, expected
    ):
        """3.6.3: the first decides: unknown, everything is written, known ids once more."""
        more = [happened(), written[0], written[1]]

        await append(client, stream, expected, more)

        assert ids(await client.get_stream(stream)) == ids([*written, *more])

    async def test_3_6_3_ids_of_other_streams_do_not_count(self, client, stream, written, expected):
        """3.6.3: ids are looked up by stream."""
        other = unique()
        await append(client, other, ANY, some(1))

        await append(client, other, expected, written)

        assert ids(await client.get_stream(other))[1:] == ids(written)

    async def test_3_6_3_known_after_other_events_then_not_written_again(
        self, client, stream, written, expected
    ):
        """3.6.3: a retry is recognised also when others wrote in between."""
        mine = some(2)
        position = await append(client, stream, expected, mine)
        await append(client, stream, expected, some(50))

        assert await append(client, stream, expected, mine) == position
        assert await client.get_current_version(stream) == 56


async def test_3_6_4_written_before_at_this_version_then_the_same_answer(client, stream, written):
    """3.6.4: expected < current and all ids are those that follow it: idempotent success."""
    at = positions(await client.get_stream(stream))

    assert await append(client, stream, NO_STREAM, written) == at[4]
    assert await append(client, stream, NO_STREAM, written[:1]) == at[0]
    assert await append(client, stream, 1, written[2:4]) == at[3]
    assert ids(await client.get_stream(stream)) == ids(written)


async def test_3_6_4_the_first_differs_then_refused(client, stream, written):
    """3.6.4: the first id is not the one at expected+1, new or known from elsewhere: refused."""
    for expected, first in [
        (NO_STREAM, happened()),
        (1, happened()),
        (0, written[2]),
        (0, written[0]),
    ]:
        await refuses(client, stream, expected, [first])


async def test_3_6_4_a_later_one_differs_then_refused(client, stream, written):
    """3.6.4: the first matches and a later one does not: refused."""
    await refuses(client, stream, 1, [written[2], written[4]])
    await refuses(client, stream, NO_STREAM, [*written[:4], happened()])
    await refuses(client, stream, NO_STREAM, [written[0], written[2], written[1]])


async def test_3_6_4_past_the_end_then_refused(client, stream, written):
    """3.6.4: all that is there matches but the batch is longer: refused."""
    await refuses(client, stream, 2, [*written[3:], happened()])


async def test_3_6_4_an_empty_list_then_refused(client, stream, written):
    """3.6.4: nothing to match with: refused."""
    await refuses(client, stream, 2, [])
    await refuses(client, stream, NO_STREAM, [])


async def test_3_6_4_soft_deleted_and_no_stream_then_written(client, stream, written):
    """3.6.4: `no_stream` is right for a soft-deleted stream when the first id differs."""
    await client.delete_stream(stream, current_version=4)
    more = some(2)

    await append(client, stream, NO_STREAM, more)

    assert ids(await client.get_stream(stream)) == ids(more)


async def test_3_6_5_expected_is_too_high_then_refused_with_the_current(client, stream, written):
    """3.6.5: expected > current: refused, and the answer tells the current revision."""
    assert "is 4 not 5" in await refuses(client, stream, 5, some(1))
    assert "is 4 not 5" in await refuses(client, stream, 5, written[4:])
    with pytest.raises(WrongCurrentVersion, match="does not exist"):
        await append(client, unique(), 0, some(1))


async def test_3_6_6_expected_is_current_then_written(client, stream, written):
    """3.6.6: equal: write, whatever ids are known, also the same ones again."""
    await append(client, stream, 4, written)

    assert ids(await client.get_stream(stream)) == ids([*written, *written])


async def test_3_7_repeated_after_a_soft_delete_then_success_without_position(
    client, stream, written
):
    """3.7: the events matched are no longer readable: success with no position, which reads 0."""
    await client.delete_stream(stream, current_version=4)

    for expected in (ANY, NO_STREAM, 1):
        events = written[2:] if expected == 1 else written
        assert await append(client, stream, expected, events) == 0
    assert await client.get_current_version(stream) is NO_STREAM


async def test_3_7_six_copies_twice_with_no_stream_then_revision_5_both_times(client, raw, stream):
    """3.7: the same id six times in a batch, repeated: recognised, revision 5 both times."""
    copies = [happened()] * 6

    replies = [await raw.append(stream, NO_STREAM, copies) for _ in range(2)]

    assert [reply.success.current_revision for reply in replies] == [5, 5]
    assert replies[0].success.position == replies[1].success.position
    assert ids(await client.get_stream(stream)) == ids(copies)


async def test_3_7_six_copies_twice_with_any_then_not_written_again(client, raw, stream):
    """3.7: with `any` too nothing is written again (which revision is told is unreliable)."""
    copies = [happened()] * 6

    replies = [await raw.append(stream, ANY, copies) for _ in range(2)]

    assert replies[0].success.current_revision == 5
    assert replies[1].WhichOneof("result") == "success"
    assert ids(await client.get_stream(stream)) == ids(copies)


async def test_3_8_an_empty_list_on_no_stream_then_still_no_stream(client, raw, stream):
    """3.8: nothing to write and a check that passes: success, and still no stream."""
    for expected in (NO_STREAM, ANY):
        reply = await raw.append(stream, expected, [])
        assert reply.success.WhichOneof("current_revision_option") == "no_stream"
        assert await append(client, stream, expected, []) == 0
    assert await client.get_current_version(stream) is NO_STREAM


async def test_3_8_an_empty_list_on_a_stream_then_its_revision(client, raw, stream, written):
    """3.8: the reply tells the current revision; the check of the version is made."""
    for expected in (4, ANY, EXISTS):
        reply = await raw.append(stream, expected, [])
        assert reply.success.current_revision == 4
    await refuses(client, stream, 5, [])
    assert await client.get_current_version(stream) == 4

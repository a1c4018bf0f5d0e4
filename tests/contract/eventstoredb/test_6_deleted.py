from __future__ import annotations

import pytest
from esdbclient.exceptions import StreamIsDeleted

from tests.contract.eventstoredb.support import (
    ANY,
    NO_STREAM,
    ids,
    is_caught_up,
    revisions,
    some,
    take,
    until,
)


@pytest.fixture
async def written(client, stream):
    """Three events that are in the stream."""
    new = some(3)
    await client.append_to_stream(stream, current_version=NO_STREAM, events=new)
    return new


async def test_6_6_a_stream_tombstoned_while_subscribed(client, written, stream):
    """6.6: the `$streamDeleted` event, then the error."""
    async with await client.subscribe_to_stream(stream) as subscription:
        await take(subscription, 3)
        await client.tombstone_stream(stream, current_version=2)
        [gone] = await take(subscription, 1)
        with pytest.raises(StreamIsDeleted):
            await take(subscription, 1)

    assert (gone.type, gone.stream_position) == ("$streamDeleted", 2**63 - 1)


async def test_6_6_a_missing_stream_tombstoned_while_subscribed(client, stream):
    """6.6: the same where there was no event before."""
    subscription = await client.subscribe_to_stream(stream, include_caught_up=True)
    async with subscription:
        await until(subscription, is_caught_up)
        await client.tombstone_stream(stream, current_version=ANY)
        [gone] = await take(subscription, 1)
        with pytest.raises(StreamIsDeleted):
            await take(subscription, 1)

    assert gone.type == "$streamDeleted"


@pytest.mark.parametrize("options", [{}, {"stream_position": 1}, {"from_end": True}], ids=str)
async def test_6_6_a_stream_tombstoned_before(client, written, stream, options):
    """6.6: one cannot subscribe to what is gone."""
    await client.tombstone_stream(stream, current_version=2)

    with pytest.raises(StreamIsDeleted):
        async with await client.subscribe_to_stream(stream, **options) as subscription:
            await take(subscription, 1)


async def test_6_6_a_soft_deleted_stream_begins_with_what_is_written_again(client, written, stream):
    """6.6: deleted events are not sent; the subscription waits for new ones."""
    await client.delete_stream(stream, current_version=2)
    subscription = await client.subscribe_to_stream(stream, include_caught_up=True)
    async with subscription:
        history = await until(subscription, is_caught_up)
        new = some(2)
        await client.append_to_stream(stream, current_version=NO_STREAM, events=new)
        live = await take(subscription, 2)

    assert len(history) == 1
    assert ids(live) == ids(new)
    assert revisions(live) == [3, 4]


async def test_6_6_a_stream_soft_deleted_while_subscribed_goes_on(client, written, stream):
    """6.6: a soft delete ends no subscription."""
    async with await client.subscribe_to_stream(stream) as subscription:
        await take(subscription, 3)
        await client.delete_stream(stream, current_version=2)
        new = some(2)
        await client.append_to_stream(stream, current_version=ANY, events=new)

        assert ids(await take(subscription, 2)) == ids(new)


async def test_6_6_truncated_events_are_not_sent_by_a_stream(client, written, stream):
    """6.6: a subscription to a stream shows what a reading of it does."""
    await client.set_stream_metadata(stream, metadata={"$maxCount": 1})

    async with await client.subscribe_to_stream(stream) as subscription:
        assert revisions(await take(subscription, 1)) == [2]


async def test_6_6_all_sends_metadata_and_tombstones(client, stream, start):
    """6.6: unfiltered all shows the system's events, with those of streams that are gone."""
    async with await client.subscribe_to_all(
        commit_position=start, filter_exclude=()
    ) as subscription:
        await client.append_to_stream(stream, current_version=NO_STREAM, events=some(1))
        await client.delete_stream(stream, current_version=0)
        await client.append_to_stream(stream, current_version=NO_STREAM, events=some(1))
        await client.tombstone_stream(stream, current_version=1)
        received = await take(subscription, 5)

    assert [(event.type, event.stream_name) for event in received] == [
        ("Happened", stream),
        ("$metadata", f"$${stream}"),
        ("Happened", stream),
        ("$metadata", f"$${stream}"),
        ("$streamDeleted", stream),
    ]


async def test_6_6_metadata_can_be_subscribed_to(client, stream):
    """6.6: `$$s` is a stream as others are: each change comes."""
    async with await client.subscribe_to_stream(f"$${stream}") as subscription:
        for number in range(3):
            await client.set_stream_metadata(stream, metadata={"n": number})
            [changed] = await take(subscription, 1)
            assert (changed.type, changed.stream_position) == ("$metadata", number)

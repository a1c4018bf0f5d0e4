from __future__ import annotations

import pytest
from esdbclient.exceptions import AlreadyExists, InternalError, NotFound


async def test_8_1_there_are_no_persistent_subscriptions_by_themselves(client, stream):
    """8.1: none to list, and none to delete."""
    assert list(await client.list_subscriptions_to_stream(stream)) == []
    with pytest.raises(NotFound):
        await client.delete_subscription(group_name="none", stream_name=stream)
    with pytest.raises(NotFound):
        await client.delete_subscription(group_name=stream)


async def test_8_1_one_to_a_stream_is_created_once_and_deleted_once(client, stream):
    """8.1: a second one of the same name is refused, until the first is deleted."""
    for _ in range(2):
        await client.create_subscription_to_stream(group_name="one", stream_name=stream)
        with pytest.raises(AlreadyExists, match=f"Subscription group one on stream {stream} exi"):
            await client.create_subscription_to_stream(group_name="one", stream_name=stream)
        await client.delete_subscription(group_name="one", stream_name=stream)
        with pytest.raises(NotFound):
            await client.delete_subscription(group_name="one", stream_name=stream)


async def test_8_1_one_to_all_is_created_once_and_deleted_once(client, category):
    """8.1: the same for subscriptions to all."""
    await client.create_subscription_to_all(group_name=category)
    with pytest.raises(AlreadyExists):
        await client.create_subscription_to_all(group_name=category)
    await client.delete_subscription(group_name=category)
    with pytest.raises(NotFound):
        await client.delete_subscription(group_name=category)


async def test_8_1_groups_are_told_apart_by_stream(client, stream):
    """8.1: a name belongs to a stream."""
    for name in (stream, f"{stream}-2"):
        await client.create_subscription_to_stream(group_name="one", stream_name=name)
    await client.delete_subscription(group_name="one", stream_name=stream)

    with pytest.raises(NotFound):
        await client.delete_subscription(group_name="one", stream_name=stream)
    await client.delete_subscription(group_name="one", stream_name=f"{stream}-2")


async def test_8_1_a_batch_as_large_as_the_buffer_is_refused(client, stream):
    """8.1: read batches must be smaller than the history buffer."""
    with pytest.raises(InternalError):
        await client.create_subscription_to_stream(
            group_name="one", stream_name=stream, read_batch_size=20, history_buffer_size=20
        )


async def test_8_2_creating_one_leaves_the_commit_position(client, category):
    """8.2: whatever the server writes for it, the default filter hides it."""
    before = await client.get_commit_position()

    await client.create_subscription_to_all(group_name=category)

    assert await client.get_commit_position() == before
    await client.delete_subscription(group_name=category)
    assert await client.get_commit_position() == before

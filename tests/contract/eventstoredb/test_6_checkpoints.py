from __future__ import annotations

import itertools

import pytest

from tests.contract.eventstoredb.support import (
    ANY,
    end_of_all,
    ids,
    is_caught_up,
    positions,
    some,
    until,
)

WINDOW = {"window_size": 3, "checkpoint_interval_multiplier": 2}
INTERVAL = 6


def of(category):
    return {
        "filter_include": [f"{category}-.*"],
        "filter_by_stream_name": True,
        "include_checkpoints": True,
        "include_caught_up": True,
    }


def is_checkpoint(event):
    return event.is_checkpoint


@pytest.fixture
def append(client, category):
    """Append events that the filter lets through, or (others) does not."""

    async def append_some(count, *, others=False):
        new = some(count)
        stream = f"other{category}-1" if others else f"{category}-1"
        await client.append_to_stream(stream, current_version=ANY, events=new)
        return new

    return append_some


async def history(client, category, start, **options):
    """All that comes until it has caught up, without that."""
    subscription = await client.subscribe_to_all(commit_position=start, **of(category), **options)
    async with subscription:
        return (await until(subscription, is_caught_up))[:-1]


async def test_6_4_a_checkpoint_comes_when_the_history_is_read(client, append, category, start):
    """6.4: one just before `caught_up`, where one has come to, though no window is full."""
    [matching] = await append(1)
    await append(5, others=True)

    received = await history(client, category, start)

    assert [one.is_checkpoint for one in received] == [False, True]
    assert received[0].id == matching.id
    assert received[0].commit_position < received[1].commit_position
    assert received[1].commit_position <= await end_of_all(client)


async def test_6_4_checkpoints_come_while_history_is_read(client, append, category, start):
    """6.4: one each window times multiplier events considered, though none of them matches."""
    await append(10 * INTERVAL + 2, others=True)

    received = await history(client, category, start, **WINDOW)

    assert all(one.is_checkpoint for one in received)
    assert 10 <= len(received) <= 11


async def test_6_4_events_that_match_are_considered_too(client, append, category, start):
    """6.4: matching or not, each event counts towards the next checkpoint."""
    await append(10 * INTERVAL + 2)

    received = await history(client, category, start, **WINDOW)

    checkpoints = [one for one in received if one.is_checkpoint]
    assert len(received) - len(checkpoints) == 10 * INTERVAL + 2
    assert 10 <= len(checkpoints) <= 11


async def test_6_4_checkpoints_increase_and_keep_to_the_order_of_events(
    client, append, category, start
):
    """6.4: none is repeated or goes back, none is ahead of an event that comes after it."""
    for _ in range(6):
        await append(3)
        await append(5, others=True)

    received = await history(client, category, start, **WINDOW)

    at = positions(received)
    assert at == sorted(at)
    checkpoints = positions(filter(is_checkpoint, received))
    assert len(set(checkpoints)) == len(checkpoints) >= 8
    assert at[-1] <= await end_of_all(client)
    for one, following in itertools.pairwise(received):
        if one.is_checkpoint:
            assert one.commit_position < following.commit_position


async def test_6_4_checkpoints_come_live(client, append, category, start):
    """6.4: when caught up, events of others bring checkpoints too, never above the last event."""
    async with await client.subscribe_to_all(
        commit_position=start, **of(category), **WINDOW
    ) as subscription:
        await until(subscription, is_caught_up)
        received = []
        for _ in range(4):
            await append(INTERVAL, others=True)
            received += await until(subscription, is_checkpoint)
            assert received[-1].commit_position <= await end_of_all(client)

    checkpoints = positions(filter(is_checkpoint, received))
    assert checkpoints == sorted(set(checkpoints))
    assert len(checkpoints) == 4


async def test_6_4_from_the_end_no_checkpoint_is_above_the_last_event(client, append, category):
    """6.4: also where there is no history to read."""
    await append(1)

    subscription = await client.subscribe_to_all(from_end=True, **of(category))
    async with subscription:
        received = await until(subscription, is_caught_up)

    end = await end_of_all(client)
    assert all(at <= end for at in positions(received[:-1]))


async def test_6_4_one_can_go_on_from_any_checkpoint(client, append, category, start):
    """6.4: started at a checkpoint, a subscription sends exactly what had come after it."""
    new = []
    for _ in range(4):
        new += await append(2)
        await append(7, others=True)
    received = await history(client, category, start, **WINDOW)
    checkpoints = list(filter(is_checkpoint, received))
    assert len(checkpoints) >= 4

    for checkpoint in checkpoints:
        later = [
            one
            for one in await history(client, category, checkpoint.commit_position, **WINDOW)
            if not one.is_checkpoint
        ]
        before = received[: received.index(checkpoint)]
        assert ids([*(one for one in before if not one.is_checkpoint), *later]) == ids(new)


async def test_6_4_unfiltered_all_has_no_checkpoints(client, append, start):
    """6.4: checkpoints are for filtered subscriptions only."""
    await append(200)
    subscription = await client.subscribe_to_all(
        commit_position=start,
        filter_exclude=(),
        include_checkpoints=True,
        include_caught_up=True,
        **WINDOW,
    )
    async with subscription:
        received = await until(subscription, is_caught_up)
        last = await client.append_to_stream("other-1", current_version=ANY, events=some(20))
        received += await until(subscription, lambda event: event.commit_position == last)

    assert len(received) >= 221
    assert not any(map(is_checkpoint, received))


async def test_6_4_the_default_window_is_150_events(client, append, category, start):
    """6.4: the client asks for a checkpoint each 30 times 5 events considered."""
    await append(310, others=True)

    received = await history(client, category, start)

    assert 2 <= len(received) <= 3
    assert all(map(is_checkpoint, received))

from __future__ import annotations

import asyncio

import pytest

from tests.contract.eventstoredb.support import (
    ANY,
    WITHIN,
    happened,
    ids,
    revisions,
    some,
    take,
)


def of(category):
    return {"filter_include": [f"{category}-.*"], "filter_by_stream_name": True}


async def test_6_5_none_is_lost_or_repeated_while_others_write(client, category):
    """6.5: subscriptions that begin at any moment of a writing get every event once, in order."""
    stream, new = f"{category}-1", some(300)
    reached = {count: asyncio.Event() for count in range(0, 300, 50)}

    async def write():
        for number, event in enumerate(new):
            if number in reached:
                reached[number].set()
            await client.append_to_stream(stream, current_version=ANY, events=[event])

    async def subscribe(count, number):
        await reached[count].wait()
        subscription = await (
            client.subscribe_to_all(**of(category))
            if number
            else client.subscribe_to_stream(stream)
        )
        async with subscription:
            return ids(await take(subscription, len(new)))

    subscribing = [subscribe(count, number) for count in reached for number in range(2)]
    _, *received = await asyncio.gather(write(), *subscribing)

    assert len(received) == 12
    assert all(one == ids(new) for one in received)


async def test_6_5_one_can_stop_and_go_on_at_any_event(client, category):
    """6.5: again and again from the last event received, while others write: each event once."""
    stream, new = f"{category}-1", some(400)

    async def write():
        for at in range(0, 400, 5):
            await client.append_to_stream(stream, current_version=ANY, events=new[at : at + 5])

    async def follow():
        received, position = [], None
        while len(received) < len(new):
            subscription = await client.subscribe_to_all(commit_position=position, **of(category))
            async with subscription:
                received += await take(subscription, min(37, len(new) - len(received)))
            position = received[-1].commit_position
        return received

    _, received = await asyncio.gather(write(), follow())

    assert ids(received) == ids(new)
    assert revisions(received) == list(range(400))


async def test_6_5_several_writers_are_seen_in_the_order_of_all(client, category):
    """6.5: every subscription sees the same order, which is that of a later reading."""
    subscriptions = [await client.subscribe_to_all(**of(category)) for _ in range(3)]

    async def write(writer):
        for number in range(20):
            await client.append_to_stream(
                f"{category}-{writer}", current_version=ANY, events=[happened(number)]
            )

    await asyncio.gather(*(write(writer) for writer in range(10)))
    received = [await take(one, 200) for one in subscriptions]
    for subscription in subscriptions:
        await subscription.stop()

    recorded = [event async for event in await client.read_all(**of(category))]
    assert all(one == recorded for one in received)


async def test_6_5_who_reads_slowly_gets_everything(client, category):
    """6.5: more than any buffer holds, written while the subscriber does not read: none is lost."""
    stream = f"{category}-1"
    subscription = await client.subscribe_to_all(**of(category))
    await client.append_to_stream(stream, current_version=ANY, events=some(1))
    await take(subscription, 1)
    large = b'"' + b"x" * 10_000 + b'"'
    for _ in range(30):
        events = [type(event)(event.type, large, id=event.id) for event in some(50)]
        await client.append_to_stream(stream, current_version=ANY, events=events)

    received = await take(subscription, 1500)
    await subscription.stop()

    assert revisions(received) == list(range(1, 1501))


@pytest.mark.parametrize("kind", ["stream", "all"])
async def test_6_5_events_come_at_once(client, category, kind):
    """6.5: a hundred times there and back, by several at once: none waits for the next."""
    stream = f"{category}-1"
    subscription = await (
        client.subscribe_to_stream(stream)
        if kind == "stream"
        else client.subscribe_to_all(**of(category), from_end=True)
    )
    async with subscription, asyncio.timeout(WITHIN):
        for _ in range(100):
            new = some(4)
            await asyncio.gather(
                *(
                    client.append_to_stream(stream, current_version=ANY, events=[event])
                    for event in new
                )
            )
            assert set(ids(await take(subscription, 4))) == set(ids(new))

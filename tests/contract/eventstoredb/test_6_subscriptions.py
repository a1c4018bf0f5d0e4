from __future__ import annotations

import asyncio
import time

import pytest
from esdbclient.exceptions import GrpcDeadlineExceeded
from esdbclient.protos.Grpc import shared_pb2, streams_pb2

from tests.contract.eventstoredb.raw import filtering, reading
from tests.contract.eventstoredb.support import (
    ANY,
    NO_STREAM,
    WITHIN,
    happened,
    ids,
    is_caught_up,
    revisions,
    some,
    take,
    until,
)

OPTIONS = streams_pb2.ReadReq.Options
SUBSCRIBING = {"subscription": OPTIONS.SubscriptionOptions()}


@pytest.fixture
async def written(client, stream):
    """Five events that are in the stream."""
    new = some(5)
    await client.append_to_stream(stream, current_version=NO_STREAM, events=new)
    return new


def of(stream):
    return {"filter_include": [stream], "filter_by_stream_name": True}


async def append(client, stream, count):
    new = some(count)
    await client.append_to_stream(stream, current_version=ANY, events=new)
    return new


async def first(call):
    async with asyncio.timeout(WITHIN):
        return await call.read()


@pytest.mark.parametrize(
    "kind", ["missing-stream", "stream", "all", "filtered-all", "missing-filtered-all"]
)
async def test_6_1_a_subscription_begins_with_its_confirmation(raw, stream, written, kind):
    """6.1: the first message is the confirmation, with an id of its own, also with no events."""
    source = {
        "missing-stream": lambda: reading(f"{stream}-missing", **SUBSCRIBING),
        "stream": lambda: reading(stream, **SUBSCRIBING),
        "all": lambda: reading(**SUBSCRIBING),
        "filtered-all": lambda: reading(filter=filtering(streams=[stream]), **SUBSCRIBING),
        "missing-filtered-all": lambda: reading(filter=filtering(types=["0"]), **SUBSCRIBING),
    }[kind]
    given = set()
    for _ in range(2):
        call = raw.open(source())
        reply = await first(call)
        call.cancel()
        assert reply.WhichOneof("content") == "confirmation"
        given.add(reply.confirmation.subscription_id)

    assert len(given) == 2
    assert all(given)


async def test_6_2_a_stream_from_its_beginning(client, written, stream):
    """6.2: without a start: every event there is, and then those to come."""
    async with await client.subscribe_to_stream(stream) as subscription:
        assert ids(await take(subscription, 5)) == ids(written)
        more = await append(client, stream, 3)
        received = await take(subscription, 3)

    assert ids(received) == ids(more)
    assert revisions(received) == [5, 6, 7]


async def test_6_2_a_stream_from_a_revision_exclusive(client, written, stream):
    """6.2: a revision is where one has been: events after it."""
    async with await client.subscribe_to_stream(stream, stream_position=0) as subscription:
        assert ids(await take(subscription, 4)) == ids(written[1:])
    async with await client.subscribe_to_stream(stream, stream_position=4) as subscription:
        more = await append(client, stream, 1)
        assert ids(await take(subscription, 1)) == ids(more)


async def test_6_2_a_stream_from_a_revision_that_is_not_there_yet(client, written, stream):
    """6.2: what comes up to that revision is not sent."""
    async with await client.subscribe_to_stream(stream, stream_position=6) as subscription:
        await append(client, stream, 4)

        assert revisions(await take(subscription, 2)) == [7, 8]


async def test_6_2_a_stream_from_its_end(client, written, stream):
    """6.2: from the end: only what comes later."""
    async with await client.subscribe_to_stream(stream, from_end=True) as subscription:
        more = await append(client, stream, 2)

        assert ids(await take(subscription, 2)) == ids(more)


async def test_6_2_a_stream_that_is_missing(client, stream):
    """6.2: one may wait for a stream that is not there."""
    async with await client.subscribe_to_stream(stream) as subscription:
        new = await append(client, stream, 2)

        assert ids(await take(subscription, 2)) == ids(new)


async def test_6_2_all_from_its_beginning(client, written, stream):
    """6.2: without a start: every event there is."""
    async with await client.subscribe_to_all(**of(stream)) as subscription:
        assert ids(await take(subscription, 5)) == ids(written)
        more = await append(client, stream, 2)
        assert ids(await take(subscription, 2)) == ids(more)


async def test_6_2_all_unfiltered_begins_with_the_first_of_all(client):
    """6.2: unfiltered, from the beginning: the system's first event is the first."""
    async with await client.subscribe_to_all(filter_exclude=()) as subscription:
        [first_of_all] = await take(subscription, 1)

    assert first_of_all.type.startswith("$")


@pytest.mark.parametrize("filtered", [True, False])
async def test_6_2_all_from_a_position_exclusive(client, stream, filtered):
    """6.2: a position is where one has been: events after it."""
    options = of(stream) if filtered else {"filter_exclude": ()}
    position = await client.append_to_stream(stream, current_version=ANY, events=some(1))
    new = await append(client, stream, 3)

    async with await client.subscribe_to_all(commit_position=position, **options) as subscription:
        received = await take(subscription, 3)
        assert ids(received) == ids(new)
    between = received[0].commit_position
    async with await client.subscribe_to_all(commit_position=between, **options) as subscription:
        assert ids(await take(subscription, 2)) == ids(new[1:])


@pytest.mark.parametrize("filtered", [True, False])
async def test_6_2_all_from_its_end(client, written, stream, filtered):
    """6.2: from the end: only what comes later."""
    options = of(stream) if filtered else {"filter_exclude": ()}
    async with await client.subscribe_to_all(from_end=True, **options) as subscription:
        more = await append(client, stream, 2)

        assert ids(await take(subscription, 2)) == ids(more)


async def test_6_2_all_filtered_by_prefixes(client, raw, category):
    """6.2: several prefixes, `a-` not being one of `as-`, in history and live."""
    names = [f"{category}a-1", f"{category}as-1", f"{category}b-1", f"{category}c-1"]
    prefixes = [f"{category}a-", f"{category}b-"]
    for name in names:
        await append(client, name, 1)
    call = raw.open(reading(filter=filtering(streams=prefixes), **SUBSCRIBING))
    received, live = [], False
    try:
        while len(received) < 4:
            reply = await first(call)
            if reply.HasField("event"):
                received.append(reply.event.event.stream_identifier.stream_name.decode())
            if reply.HasField("caught_up") and not live:
                live = True
                for name in names:
                    await append(client, name, 1)
    finally:
        call.cancel()

    assert received == [names[0], names[2]] * 2
    assert live


@pytest.mark.parametrize("kind", ["stream", "all", "filtered-all"])
async def test_6_3_caught_up_comes_between_history_and_live(client, start, written, stream, kind):
    """6.3: history, then `caught_up` once, then live events."""
    subscriptions = {
        "stream": lambda: client.subscribe_to_stream(stream, include_caught_up=True),
        "all": lambda: client.subscribe_to_all(
            commit_position=start, filter_exclude=(), include_caught_up=True
        ),
        "filtered-all": lambda: client.subscribe_to_all(**of(stream), include_caught_up=True),
    }
    async with await subscriptions[kind]() as subscription:
        history = await until(subscription, is_caught_up)
        more = await append(client, stream, 2)
        live = await take(subscription, 2)

    assert ids(one for one in history[:-1] if one.stream_name == stream) == ids(written)
    assert ids(live) == ids(more)


@pytest.mark.parametrize("kind", ["missing", "end", "all-end"])
async def test_6_3_caught_up_comes_also_without_history(client, written, stream, kind):
    """6.3: nothing to catch up with: `caught_up` at once."""
    subscriptions = {
        "missing": lambda: client.subscribe_to_stream(f"{stream}-0", include_caught_up=True),
        "end": lambda: client.subscribe_to_stream(stream, from_end=True, include_caught_up=True),
        "all-end": lambda: client.subscribe_to_all(from_end=True, include_caught_up=True),
    }
    async with await subscriptions[kind]() as subscription:
        [only] = await take(subscription, 1)

    assert only.is_caught_up


async def test_6_5_a_deadline_ends_a_subscription(client, written, stream):
    """6.5: the call's deadline: DEADLINE_EXCEEDED, after what came until then."""
    subscription = await client.subscribe_to_stream(stream, timeout=0.5)

    assert ids(await take(subscription, 5)) == ids(written)
    with pytest.raises(GrpcDeadlineExceeded):
        await anext(subscription)


async def test_6_5_many_subscriptions_at_once_all_receive_and_stop_promptly(client, stream):
    """6.5: a hundred at once get everything, and cancelling them leaves the server free."""
    subscriptions = [
        await client.subscribe_to_all(**of(stream), from_end=True)
        if number % 2
        else await client.subscribe_to_stream(stream)
        for number in range(100)
    ]
    new = await append(client, stream, 5)
    received = await asyncio.gather(*(take(one, 5) for one in subscriptions))

    began = time.monotonic()
    for subscription in subscriptions:
        await subscription.stop()
    await append(client, stream, 5)

    assert all(ids(one) == ids(new) for one in received)
    assert time.monotonic() - began < 5
    assert await client.get_current_version(stream) == 9


async def test_6_5_a_cancelled_subscription_ends_without_an_error(client, written, stream):
    """6.5: who stops a subscription while waiting for the next event is done."""
    subscription = await client.subscribe_to_stream(stream)
    await take(subscription, 5)
    waiting = asyncio.ensure_future(anext(subscription, None))

    await subscription.stop()

    async with asyncio.timeout(WITHIN):
        assert await waiting is None


async def test_6_2_a_structured_id_in_subscriptions(raw, client, stream):
    """6.2: `uuid_option` holds for subscriptions too."""
    await client.append_to_stream(stream, current_version=ANY, events=[happened()])
    structured = OPTIONS.UUIDOption(structured=shared_pb2.Empty())
    call = raw.open(reading(stream, **SUBSCRIBING, uuid_option=structured))
    replies = [await first(call), await first(call)]
    call.cancel()

    assert replies[1].event.event.id.WhichOneof("value") == "structured"

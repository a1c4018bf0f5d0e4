from __future__ import annotations

import pytest
from esdbclient import AsyncEventStoreDBClient
from esdbclient.exceptions import ServiceUnavailable, StreamIsDeleted

from tests.contract.eventstoredb.raw import Raw, reading
from tests.contract.eventstoredb.support import (
    ANY,
    NO_STREAM,
    end_of_all,
    ids,
    is_caught_up,
    positions,
    reachable,
    revisions,
    some,
    take,
    until,
)
from tests.support.eventstoredb import DevelopmentServer


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server for these tests, which each of them starts again."""
    server = DevelopmentServer(tmp_path_factory.mktemp("eventstoredb"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
async def client(server):
    async with AsyncEventStoreDBClient(server.uri) as client:
        await client.connect()
        await reachable(client)
        yield client


@pytest.fixture(params=["kill"])
def restart(request, server, client):
    """End the server, as a power cut would or (stop) as one should, and start it again."""

    async def end_and_start():
        getattr(server, request.param)()
        server.start()
        await reachable(client)

    return end_and_start


both = pytest.mark.parametrize("restart", ["stop", "kill"], indirect=True)


async def everything(client):
    """All there is, as it comes over the wire."""
    replies = await Raw(client).read(reading())
    return [reply.SerializeToString(deterministic=True) for reply in replies]


@both
async def test_restart_leaves_everything_as_it_was(client, restart, category):
    """2.1, 2.3: ids, positions, times, metadata: nothing differs after a restart."""
    for number in range(5):
        await client.append_to_stream(f"{category}-{number}", current_version=ANY, events=some(4))
    await client.set_stream_metadata(f"{category}-0", metadata={"$maxCount": 2})
    await client.delete_stream(f"{category}-1", current_version=3)
    await client.tombstone_stream(f"{category}-2", current_version=3)
    before = await everything(client)

    await restart()

    assert len(before) >= 23
    assert await everything(client) == before
    assert revisions(await client.get_stream(f"{category}-0")) == [2, 3]
    assert await client.get_current_version(f"{category}-1") is NO_STREAM
    with pytest.raises(StreamIsDeleted):
        await client.get_stream(f"{category}-2")


async def test_restart_leaves_versions_and_positions_going_on(client, restart, stream):
    """2.1, 2.2: numbers go on where they were, of streams and of all."""
    first = await client.append_to_stream(stream, current_version=NO_STREAM, events=some(3))

    await restart()
    second = await client.append_to_stream(stream, current_version=2, events=some(3))

    recorded = await client.get_stream(stream)
    assert revisions(recorded) == [0, 1, 2, 3, 4, 5]
    assert positions(recorded) == sorted(set(positions(recorded)))
    assert (positions(recorded)[2], positions(recorded)[5]) == (first, second)
    assert await end_of_all(client) == second


async def test_restart_leaves_repeated_appends_recognised(client, restart, stream):
    """3.6.4: an append whose answer was lost is recognised by its ids, whoever was asked before."""
    new = some(3)
    position = await client.append_to_stream(stream, current_version=NO_STREAM, events=new)

    await restart()

    again = await client.append_to_stream(stream, current_version=NO_STREAM, events=new)
    assert again == position
    assert ids(await client.get_stream(stream)) == ids(new)


@both
@pytest.mark.parametrize("kind", ["stream", "all"])
async def test_restart_lets_subscriptions_go_on(client, restart, stream, start, kind):
    """6.5: they end as unavailable; started again from the last event, none is lost or repeated."""

    async def subscribe(last):
        if kind == "stream":
            at = last.stream_position if last else None
            return await client.subscribe_to_stream(stream, stream_position=at)
        at = last.commit_position if last else start
        return await client.subscribe_to_all(commit_position=at)

    new = some(5)
    await client.append_to_stream(stream, current_version=NO_STREAM, events=new[:3])
    subscription = await subscribe(None)
    received = await take(subscription, 3)

    await restart()
    with pytest.raises(ServiceUnavailable):
        await take(subscription, 1)
    await client.append_to_stream(stream, current_version=2, events=new[3:])
    async with await subscribe(received[-1]) as subscription:
        received += await take(subscription, 2)

    assert ids(received) == ids(new)


async def test_restart_leaves_checkpoints_valid(client, restart, category):
    """6.4: from a checkpoint of before, exactly what came after it is sent."""
    wanted = {"filter_include": [f"{category}-.*"], "filter_by_stream_name": True}
    await client.append_to_stream(f"other{category}-1", current_version=NO_STREAM, events=some(10))
    subscription = await client.subscribe_to_all(
        **wanted, include_checkpoints=True, include_caught_up=True
    )
    async with subscription:
        *_, checkpoint, _ = await until(subscription, is_caught_up)
    assert checkpoint.is_checkpoint

    await restart()
    new = some(2)
    await client.append_to_stream(f"{category}-1", current_version=NO_STREAM, events=new)
    subscription = await client.subscribe_to_all(
        **wanted, commit_position=checkpoint.commit_position
    )
    async with subscription:
        assert ids(await take(subscription, 2)) == ids(new)

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from esdbclient import AsyncEventStoreDBClient
from esdbclient.exceptions import FollowerNotFound, ReadOnlyReplicaNotFound, ServiceUnavailable

from tests.contract.eventstoredb.support import NO_STREAM, ids, some
from tests.support.eventstoredb import HOST, DevelopmentServer, free_port


async def members(client):
    gossip = client._connection.gossip
    return [(one.state, one.address, one.port) for one in await gossip.read()]


async def test_7_1_a_single_node_is_the_leader_at_the_dialled_address(client, uri):
    """7.1: one member, whose address and port are those that were dialled."""
    assert await members(client) == [("NODE_STATE_LEADER", HOST, urlsplit(uri).port)]


async def test_7_1_the_advertised_address_can_be_set(tmp_path):
    """7.1: behind a proxy clients need another address than the one listened on."""
    server = DevelopmentServer(tmp_path, advertise_host="events.example", advertise_port=4321)
    server.start()
    try:
        async with AsyncEventStoreDBClient(server.uri) as client:
            await client.connect()
            told = await members(client)
    finally:
        server.stop()

    assert told == [("NODE_STATE_LEADER", "events.example", 4321)]


@pytest.mark.parametrize("preference", ["leader", "random"])
@pytest.mark.parametrize("form", ["esdb://{0},{0}", "esdb+discover://{0}"])
async def test_7_2_discovered_it_serves_as_one_dialled_does(uri, stream, form, preference):
    """7.2: several targets, or `esdb+discover`, ask gossip for the node to use."""
    target = form.format(urlsplit(uri).netloc)
    async with AsyncEventStoreDBClient(f"{target}?Tls=false&NodePreference={preference}") as client:
        await client.connect()
        new = some(2)
        await client.append_to_stream(stream, current_version=NO_STREAM, events=new)

        assert ids(await client.get_stream(stream)) == ids(new)


@pytest.mark.parametrize(
    ("preference", "error"),
    [("follower", FollowerNotFound), ("readonlyreplica", ReadOnlyReplicaNotFound)],
)
async def test_7_3_a_single_node_is_no_follower(uri, preference, error):
    """7.3: who prefers a follower or a read-only replica finds none."""
    options = f"Tls=false&NodePreference={preference}&MaxDiscoverAttempts=1"
    client = AsyncEventStoreDBClient(f"esdb+discover://{urlsplit(uri).netloc}?{options}")

    with pytest.raises(error):
        await client.connect()


async def test_7_2_one_target_is_dialled_with_the_first_call(stream):
    """7.2: connecting to a single target asks nothing; the first call finds nobody there."""
    async with AsyncEventStoreDBClient(f"esdb://{HOST}:{free_port()}?Tls=false") as client:
        await client.connect()

        with pytest.raises(ServiceUnavailable):
            await client.append_to_stream(stream, current_version=NO_STREAM, events=some(1))

from __future__ import annotations

from esdbclient import AsyncEventStoreDBClient

from tests.contract.eventstoredb.support import listed


async def test_2_6_a_new_database_begins_with_the_system(server):
    """2.1, 2.6: an event of the system, and nothing of users: their commit position reads 0."""
    async with AsyncEventStoreDBClient(server.uri) as client:
        await client.connect()
        everything = await listed(client.read_all(filter_exclude=()))

        assert everything
        assert all(event.type.startswith("$") for event in everything)
        assert await listed(client.read_all()) == []
        assert await client.get_commit_position() == 0

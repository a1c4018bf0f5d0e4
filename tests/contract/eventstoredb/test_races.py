from __future__ import annotations

import asyncio

import pytest
from esdbclient import AsyncEventStoreDBClient
from esdbclient.exceptions import WrongCurrentVersion

from tests.contract.eventstoredb.support import ANY, NO_STREAM, ids, listed, positions, some

WRITERS = 16


@pytest.fixture
async def clients(uri):
    """Four clients with a connection each, four times: a client for each writer."""
    connected = [AsyncEventStoreDBClient(uri) for _ in range(4)]
    for client in connected:
        await client.connect()
    yield connected * (WRITERS // 4)
    for client in connected:
        await client.close()


async def test_3_4_of_writers_with_one_expected_version_exactly_one_wins(clients, stream):
    """3.4, 3.6.5: sixteen at once, again and again: one batch is written, fifteen are refused."""
    expected, history = NO_STREAM, []
    for _ in range(15):
        batches = [some(3) for _ in clients]
        results = await asyncio.gather(
            *(
                client.append_to_stream(stream, current_version=expected, events=batch)
                for client, batch in zip(clients, batches, strict=True)
            ),
            return_exceptions=True,
        )
        won = [batch for batch, one in zip(batches, results, strict=True) if isinstance(one, int)]
        refused = [one for one in results if isinstance(one, WrongCurrentVersion)]
        assert (len(won), len(refused)) == (1, WRITERS - 1)
        history += ids(won[0])
        expected = len(history) - 1

    assert ids(await clients[0].get_stream(stream)) == history


async def test_3_4_batches_of_writers_at_once_are_not_mixed(clients, stream):
    """3.4: each batch is together, in its order, in the stream and in all."""
    batches = [some(7) for _ in range(WRITERS * 4)]

    async def write(client, mine):
        for batch in mine:
            await client.append_to_stream(stream, current_version=ANY, events=batch)

    await asyncio.gather(
        *(write(client, batches[at::WRITERS]) for at, client in enumerate(clients))
    )

    recorded = await clients[0].get_stream(stream)
    by_first = {batch[0].id: ids(batch) for batch in batches}
    found = [ids(recorded[at : at + 7]) for at in range(0, len(recorded), 7)]
    assert found == [by_first.pop(one[0]) for one in found]
    assert by_first == {}
    assert positions(recorded) == sorted(set(positions(recorded)))


async def test_3_6_3_the_same_batch_from_many_at_once_is_written_once(clients, stream):
    """3.6.3: retries that overtake one another: all succeed, with the same position."""
    for expected in (NO_STREAM, ANY):
        batch = some(5)
        before = await clients[0].get_current_version(stream)
        given = before if expected is NO_STREAM else ANY
        told = await asyncio.gather(
            *(
                client.append_to_stream(stream, current_version=given, events=batch)
                for client in clients
            )
        )
        recorded = await clients[0].get_stream(stream)
        assert ids(recorded)[-5:] == ids(batch)
        assert set(told) == {recorded[-1].commit_position}

    assert len(recorded) == 10


async def test_2_1_positions_are_distinct_for_writers_of_different_streams(clients, category):
    """2.1: writers of their own streams do not stand in each other's way, and share one order."""

    async def write(client, number):
        for expected in (NO_STREAM, 4, 9):
            await client.append_to_stream(
                f"{category}-{number}", current_version=expected, events=some(5)
            )

    await asyncio.gather(*(write(client, number) for number, client in enumerate(clients)))

    seen = await listed(
        clients[0].read_all(filter_include=[f"{category}-.*"], filter_by_stream_name=True)
    )
    assert len(seen) == WRITERS * 15
    assert len(set(positions(seen))) == len(seen)

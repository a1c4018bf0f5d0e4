from __future__ import annotations

import asyncio

from esdbclient import AsyncEventStoreDBClient
from esdbclient.exceptions import ServiceUnavailable

from tests.contract.eventstoredb.support import (
    ANY,
    NO_STREAM,
    WITHIN,
    ids,
    listed,
    positions,
    reachable,
    revisions,
    some,
)

WRITERS, BATCH, ROUNDS, ENOUGH = 6, 50, 2, 20


class Writer:
    """Appends batches until the server is gone, and knows which were acknowledged."""

    def __init__(self, name, stream, expected):
        self.name, self.stream, self._expected = name, stream, expected
        self.sent, self.acknowledged = [], []

    async def write(self, client, acknowledged):
        while True:
            batch = some(BATCH)
            self.sent.append(batch)
            try:
                await client.append_to_stream(
                    self.stream, current_version=self._expected, events=batch
                )
            except ServiceUnavailable:
                return
            self.acknowledged.append(batch)
            acknowledged.put_nowait(self.name)
            if self._expected is not ANY:
                self._expected = len(self.acknowledged) * BATCH - 1


async def write_and_kill(server, round_):
    """Half of the writers have a stream of their own, half share one; the server dies amid."""
    writers = [
        Writer(number, *((f"own-{round_}-{number}", NO_STREAM) if number % 2 else ("shared", ANY)))
        for number in range(WRITERS)
    ]
    acknowledged = asyncio.Queue()
    async with AsyncEventStoreDBClient(server.uri) as client:
        await client.connect()
        await reachable(client)
        writing = [asyncio.ensure_future(writer.write(client, acknowledged)) for writer in writers]
        async with asyncio.timeout(WITHIN):
            for _ in range(ENOUGH + 3 * round_):
                await acknowledged.get()
        server.kill()
        async with asyncio.timeout(WITHIN):
            await asyncio.gather(*writing)
    return writers


async def test_3_4_killed_amid_writing_batches_are_there_whole_or_not_at_all(server):
    """3.4: after a `kill -9` each acknowledged batch is there, and no part of any other."""
    writers = []
    for round_ in range(ROUNDS):
        writers += await write_and_kill(server, round_)
        server.start()

    async with AsyncEventStoreDBClient(server.uri) as client:
        await client.connect()
        await reachable(client)
        streams = {
            name: await client.get_stream(name) for name in {writer.stream for writer in writers}
        }
        everything = await listed(client.read_all())
    for recorded in streams.values():
        assert revisions(recorded) == list(range(len(recorded)))
    assert positions(everything) == sorted(set(positions(everything)))
    assert len(everything) == sum(map(len, streams.values()))
    for writer in writers:
        check(writer, ids(streams[writer.stream]))


def check(writer, recorded):
    """Each batch of the writer is in the stream, once, together and in order; or not at all."""
    places = {id_: place for place, id_ in enumerate(recorded)}
    assert len(places) == len(recorded)
    for batch in writer.sent:
        found = [places.get(id_) for id_ in ids(batch)]
        whole = found[0] is not None and found == list(range(found[0], found[0] + BATCH))
        assert whole or found == [None] * BATCH
        assert whole or batch not in writer.acknowledged

"""Reading and writing one generation by its index."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager

from elasticsearch import NotFoundError

from read_side.elasticsearch import bulk
from read_side.elasticsearch.catalogue import Catalogue, unknown
from read_side.elasticsearch.kept import IndexMissing, Kept, get_all
from read_side.elasticsearch.layout import stored_of, term_and_number
from read_side.elasticsearch.names import Names, document_id
from read_side.elasticsearch.server import Server
from read_side.elasticsearch.states import States
from read_side.fields import encodable
from read_side.port import Generation, Put, Stored, WriteBatch, WriteConflict

_MOST_KEYS = 2000
_REFRESH_SECONDS = 600.0
_NEVER = 2**63 - 1
"""A sequence number that no document reaches."""


class Generations:
    """What projections do with the documents of a generation."""

    def __init__(self, server: Server, names: Names, catalogue: Catalogue) -> None:
        """Use this server."""
        self._server = server
        self._names = names
        self._catalogue = catalogue
        self._states = States(Kept(server))

    @asynccontextmanager
    async def index(self, generation: Generation) -> AsyncGenerator[str]:
        """The generation's index; that it is missing means that the generation was dropped."""
        try:
            yield self._names.index_of(generation)
        except IndexMissing:
            self._catalogue.forget(generation)
            raise unknown(generation) from None

    @asynccontextmanager
    async def states(self, generation: Generation) -> AsyncGenerator[tuple[str, States]]:
        """The index, and what is read and written in it besides documents."""
        async with self.index(generation) as index:
            yield index, self._states

    async def refresh(self, generation: Generation) -> None:
        """Let searches find all documents once the generation answers them."""
        async with self.index(generation) as index:
            await refreshed(self._server, index)

    async def load(self, generation: Generation, keys: Sequence[str]) -> Mapping[str, Stored]:
        """Those of the documents that exist, by key."""
        found: dict[str, Stored] = {}
        known = [key for key in keys if encodable(key)]
        async with self.index(generation) as index:
            for first in range(0, len(known), _MOST_KEYS):
                run = known[first : first + _MOST_KEYS]
                ids = [document_id(key) for key in run]
                hits = await get_all(self._server, index, ids, ["stored.exact"])
                pairs = zip(run, hits, strict=True)
                found.update((key, stored_of(hit)) for key, hit in pairs if hit["found"])
        return found

    async def write(self, generation: Generation, batch: WriteBatch) -> None:
        """Write the documents, then what is parked, then the checkpoints."""
        if len({put.key for put in batch.puts}) != len(batch.puts):
            raise ValueError("a key stands twice in one batch")
        if batch.puts:
            await self._put(generation, batch.puts)
        await self.write_states(generation, batch)

    async def write_states(self, generation: Generation, batch: WriteBatch) -> None:
        """Write what a batch says besides documents."""
        async with self.states(generation) as (index, states):
            if batch.park or batch.unpark:
                await states.park(index, batch.park, batch.unpark)
            if batch.checkpoints:
                await states.move(index, batch.checkpoints)

    async def _put(self, generation: Generation, puts: Sequence[Put]) -> None:
        layout = await self._catalogue.layout(generation)
        items = [bulk.Item(put.key, _action(put), layout.source(put)) for put in puts]
        async with self.index(generation) as index:
            conflicts = await bulk.send_all(self._server, index, items)
        if conflicts:
            raise WriteConflict(conflicts)


async def refreshed(server: Server, index: str) -> None:
    """Make what was written searchable; that can take a while for much.

    Raises:
        IndexMissing.
    """
    try:
        await server.write(
            lambda client: client.options(request_timeout=_REFRESH_SECONDS).indices.refresh(
                index=index
            ),
            expected=(NotFoundError,),
        )
    except NotFoundError as error:
        raise IndexMissing(index) from error


def _action(put: Put) -> bytes:
    id_ = document_id(put.key)
    if put.revision is None:
        return bulk.action("create", id_)
    term, number = term_and_number(put.revision)
    if term == 0:  # Never one of ours, and nothing that the server could be asked.
        term, number = 1, _NEVER
    return bulk.action("index", id_, if_primary_term=term, if_seq_no=number)

"""Loading a generation that nobody else reads: several bulks at once, and nothing is searchable.

Each write of a document has the next version of it, given by us, so what arrives late or twice
never takes the place of what is newer. Versions are what revisions are while loading.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager

from elasticsearch import NotFoundError

from contracts.parked import ParkedStream
from read_side.elasticsearch import bulk
from read_side.elasticsearch.control import Control
from read_side.elasticsearch.generations import Generations
from read_side.elasticsearch.kept import IndexMissing, get_all
from read_side.elasticsearch.layout import Layout, document_of, streams_of
from read_side.elasticsearch.names import document_id
from read_side.elasticsearch.server import Server
from read_side.elasticsearch.settings import when_loaded, while_loading
from read_side.marks import Marks
from read_side.port import (
    Checkpoint,
    Discard,
    Generation,
    Put,
    ReadStoreUnavailable,
    Stored,
    WriteBatch,
)

_AT_ONCE = 4
_FLUSH_SECONDS = 600.0
_MOST_KEYS = 2000
_OTHERS_TURN = 200
"""Documents that are made ready before the bulks under way get a turn."""


class ElasticsearchBulkLoad:
    """Sends bulks in tasks; a write returns when at most a few of them are under way."""

    def __init__(self, server: Server, control: Control, index: str, layout: Layout) -> None:
        """Load this index; use `loading`."""
        self._server = server
        self._control = control
        self._index = index
        self._layout = layout
        self._under_way: set[asyncio.Task[None]] = set()
        self._failed: BaseException | None = None
        self._unsent: dict[str, Put] = {}
        self._written = Marks()
        self._parked: dict[str, ParkedStream] = {}
        self._checkpoints: dict[str, Checkpoint] = {}

    async def load(self, generation: Generation, keys: Sequence[str]) -> Mapping[str, Stored]:
        """Those of the documents that exist, by key."""
        found: dict[str, Stored] = {}
        unsure: list[str] = []
        for key in keys:
            if (put := self._unsent.get(key)) is not None:
                found[key] = Stored(put.document, put.streams, _version(put))
            elif key in self._written:
                unsure.append(key)
        for first in range(0, len(unsure), _MOST_KEYS):
            run = unsure[first : first + _MOST_KEYS]
            ids = [document_id(key) for key in run]
            hits = await get_all(self._server, self._index, ids, ["stored.exact"])
            for key, hit in zip(run, hits, strict=True):
                if hit["found"]:
                    streams = streams_of(hit["_source"]["stored"])
                    found[key] = Stored(document_of(hit), streams, hit["_version"])
        return found

    async def write(self, generation: Generation, batch: WriteBatch) -> None:
        """Write documents while the caller goes on; checkpoints wait for the end.

        Raises:
            DocumentRefused: nothing of the batch is written.
        """
        items: list[bulk.Item] = []
        for number, put in enumerate(batch.puts, 1):
            items.append(bulk.Item(put.key, _action(put), self._layout.source(put)))
            if number % _OTHERS_TURN == 0:
                await asyncio.sleep(0)
        puts = {put.key: put for put in batch.puts}
        self._written.add(puts)
        self._unsent |= puts
        for run in bulk.runs(items):
            await self._at_most(_AT_ONCE - 1)
            sent = [puts[item.key] for item in run]
            self._under_way.add(asyncio.create_task(self._send(run, sent)))
        for stream in batch.unpark:
            self._parked.pop(stream, None)
        self._parked |= {one.stream: one for one in batch.park}
        self._checkpoints |= {one.source: one for one in batch.checkpoints}

    async def parked(self, generation: Generation) -> Sequence[ParkedStream]:
        """The parked streams, oldest first."""
        return sorted(self._parked.values(), key=lambda one: (one.parked_at, one.stream))

    async def discard(self, discard: Discard) -> None:
        """Remember an event as given up."""
        await self._control.discard(discard)

    async def discards(self, projection: str) -> Sequence[Discard]:
        """What was given up."""
        return await self._control.discards(projection)

    async def finish(self) -> WriteBatch:
        """Return when all documents are written: what is to be written besides them."""
        await self._at_most(0)
        return WriteBatch((), list(self._checkpoints.values()), list(self._parked.values()))

    async def stop(self) -> None:
        """Give up what is under way."""
        for task in self._under_way:
            task.cancel()
        if self._under_way:
            await asyncio.wait(self._under_way)

    async def _at_most(self, number: int) -> None:
        """Wait until no more bulks than that are under way.

        Raises:
            ReadStoreUnavailable, UnknownGeneration: a bulk before failed.
        """
        while len(self._under_way) > number:
            _, self._under_way = await asyncio.wait(
                self._under_way, return_when=asyncio.FIRST_COMPLETED
            )
        if self._failed is not None:
            raise self._failed

    async def _send(self, run: Sequence[bulk.Item], puts: Sequence[Put]) -> None:
        try:
            await bulk.send(self._server, self._index, run)
        except Exception as error:  # noqa: BLE001 whatever it is, a later call raises it
            self._failed = self._failed or error
            return
        for put in puts:
            if self._unsent.get(put.key) is put:
                del self._unsent[put.key]


@asynccontextmanager
async def loading(
    server: Server,
    control: Control,
    generations: Generations,
    generation: Generation,
    layout: Layout,
) -> AsyncGenerator[ElasticsearchBulkLoad]:
    """Load a generation; see `RebuildStore.load_in_bulk`."""
    async with generations.index(generation) as index:
        began = await _terms(server, index)
        await _set(server, index, while_loading())
        async with loading_share(server, control, generations, generation, layout) as load:
            yield load
        await _set(server, index, when_loaded())
        # What was written without being synced is on disk after this.
        await server.ask(
            lambda client: client.options(request_timeout=_FLUSH_SECONDS).indices.flush(
                index=index, wait_if_ongoing=True
            ),
            expected=(),
            seconds=_FLUSH_SECONDS,
        )
        if await _terms(server, index) != began:
            raise ReadStoreUnavailable(
                "Elasticsearch: a server began anew while a generation was loaded, which may lack "
                "what was written just before"
            )
        await generations.refresh(generation)


@asynccontextmanager
async def loading_share(
    server: Server,
    control: Control,
    generations: Generations,
    generation: Generation,
    layout: Layout,
) -> AsyncGenerator[ElasticsearchBulkLoad]:
    """Load documents of a generation that somebody loads; see `LoadsShares.load_share`."""
    async with generations.index(generation) as index:
        load = ElasticsearchBulkLoad(server, control, index, layout)
        try:
            yield load
            await generations.write_states(generation, await load.finish())
        finally:
            await load.stop()


async def _set(server: Server, index: str, settings: Mapping[str, object]) -> None:
    try:
        await server.write(
            lambda client: client.indices.put_settings(index=index, settings=settings),
            expected=(NotFoundError,),
        )
    except NotFoundError as error:
        raise IndexMissing(index) from error


async def _terms(server: Server, index: str) -> Mapping[str, int]:
    """How often each shard was given to a server; it begins with what that server has on disk."""
    try:
        answer = await server.write(
            lambda client: client.cluster.state(
                metric="metadata", index=index, filter_path="metadata.indices.*.primary_terms"
            ),
            expected=(NotFoundError,),
        )
    except NotFoundError as error:
        raise IndexMissing(index) from error
    return answer["metadata"]["indices"][index]["primary_terms"]


def _version(put: Put) -> int:
    """The version that this write makes."""
    return (put.revision or 0) + 1


def _action(put: Put) -> bytes:
    id_ = document_id(put.key)
    return bulk.action("index", id_, version=_version(put), version_type="external_gte")

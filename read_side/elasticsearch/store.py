"""`ElasticsearchReadStore`: the read store's protocols over one server, or a cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Self

from contracts.documents import DocumentType
from contracts.parked import ParkedRequest, ParkedStream
from read_side.elasticsearch import searching, sums
from read_side.elasticsearch.catalogue import Catalogue
from read_side.elasticsearch.control import Control
from read_side.elasticsearch.generations import Generations
from read_side.elasticsearch.names import Names, checked
from read_side.elasticsearch.rebuild_store import ElasticsearchRebuilds
from read_side.elasticsearch.searching import Scans
from read_side.elasticsearch.server import SUMS_SECONDS, Server
from read_side.elasticsearch.serving import Serving
from read_side.elasticsearch.waiting import Waiting
from read_side.port import (
    Checkpoint,
    Condition,
    Discard,
    Document,
    Found,
    Generation,
    ReadStoreUnavailable,
    Search,
    Stored,
    SumRow,
    WriteBatch,
)


class ElasticsearchReadStore(ElasticsearchRebuilds):
    """`Documents`, `RebuildStore` and `WriteNotifier`; any number of processes may share a prefix.

    Raises `ReadStoreUnavailable` when the server can't be reached, refuses work for long, or does
    not take our password.
    """

    def __init__(self, server: Server, names: Names) -> None:
        """Put the parts together; use `open`."""
        self._server = server
        self._catalogue = Catalogue(server, names)
        self._control = Control(server, names)
        self._generations = Generations(server, names, self._catalogue)
        self._serving = Serving(server, names, self._catalogue)
        self._scans = Scans(server)
        self._waiting = Waiting()

    @classmethod
    async def open(cls, url: str, *, prefix: str = "orderlog") -> Self:
        """Use what lies under this prefix; the server need not be there yet.

        Args:
            url: `http://` or `https://`, maybe with user and password; several, of nodes of one
                cluster, are parted by commas.
            prefix: what the names of all indices, aliases and templates begin with.
        """
        return cls(Server(url), Names(prefix))

    async def close(self) -> None:
        """Let go of all connections; closing again does nothing."""
        with suppress(ReadStoreUnavailable):  # The server lets go of scans by itself, in time.
            await self._scans.close()
        await self._server.close()

    @property
    def bulk_rejections(self) -> int:
        """How often the server refused work because it had too much of it."""
        return self._server.rejections

    # --------------------------------------------------------- Documents

    async def get(self, projection: str, key: str) -> Document | None:
        """One document, as last written."""
        return await self._serving.get(projection, key)

    async def get_many(self, projection: str, keys: Sequence[str]) -> Mapping[str, Document]:
        """Those of the documents that exist, by key."""
        return await self._serving.get_many(projection, keys)

    async def search(self, projection: str, search: Search) -> Found:
        """One page of a search."""
        return await searching.search(self._serving, projection, search)

    async def count_by(
        self, projection: str, field: str, conditions: Sequence[Condition] = ()
    ) -> Mapping[str, int]:
        """How many documents meet the conditions, by the values of a keyword field."""
        async with self._server.within(SUMS_SECONDS):
            return await sums.count_by(self._serving, projection, field, conditions)

    async def sums(
        self,
        projection: str,
        *,
        group_by: str,
        fields: Sequence[str],
        conditions: Sequence[Condition] = (),
    ) -> Sequence[SumRow]:
        """Sums of LONG fields over the documents that meet the conditions, by group, key order."""
        async with self._server.within(SUMS_SECONDS):
            return await sums.sums(self._serving, projection, group_by, fields, conditions)

    async def refresh(self, projection: str) -> None:
        """Return when all that was written before is found by searches."""
        await self._serving.refresh(projection)

    # ----------------------------------------------------- WriteNotifier

    async def wait_for_write(self, projection: str, timeout: float) -> None:  # noqa: ASYNC109
        """Return when this store wrote, or after a short turn: others write too."""
        await self._waiting.wait(projection, timeout)

    # --------------------------------------------------- ProjectionStore

    async def generations(self, projection: str) -> Sequence[Generation]:
        """All generations of a projection, oldest first."""
        return [one.generation for one in await self._catalogue.listed(projection)]

    async def create_generation(self, document_type: DocumentType, fingerprint: str) -> Generation:
        """Make an empty generation in state `building`."""
        return await self._create(checked(document_type), fingerprint)

    async def activate(self, generation: Generation) -> None:
        """Let this generation answer queries from now on and retire the one before."""
        await self._generations.refresh(generation)
        # A process that was killed after the switch to it may have left it on the list of rebuilds,
        # where it would be seen again once it is retired.
        for one in await self.generations(generation.projection):
            if one.state == "active" and one.number != generation.number:
                await self._control.end_rebuild(one.projection, one.number)
        await self._catalogue.activate(generation)
        await self._control.end_rebuild(generation.projection, generation.number)
        self._waiting.tell(generation.projection)

    async def drop(self, generation: Generation) -> None:
        """Remove a generation that is not active, with all it holds; a repeat does nothing."""
        await self._catalogue.remove(generation)
        await self._control.end_rebuild(generation.projection, generation.number)

    async def load(self, generation: Generation, keys: Sequence[str]) -> Mapping[str, Stored]:
        """Those of the documents that exist, by key."""
        return await self._generations.load(generation, keys)

    async def write(self, generation: Generation, batch: WriteBatch) -> None:
        """Write the documents, then what is parked, then the checkpoints."""
        await self._generations.write(generation, batch)
        self._waiting.tell(generation.projection)

    async def checkpoints(self, generation: Generation) -> Mapping[str, Checkpoint]:
        """The checkpoints by source."""
        async with self._generations.states(generation) as (index, states):
            return await states.checkpoints(index)

    async def parked(self, generation: Generation) -> Sequence[ParkedStream]:
        """The parked streams, oldest first."""
        async with self._generations.states(generation) as (index, states):
            return await states.parked(index)

    async def request(
        self, generation: Generation, stream: str, request: ParkedRequest, reason: str | None
    ) -> bool:
        """Ask whoever owns the stream to retry or discard; False when it is not parked."""
        async with self._generations.states(generation) as (index, states):
            return await states.request(index, stream, request, reason)

    async def discard(self, discard: Discard) -> None:
        """Remember an event as given up."""
        await self._control.discard(discard)

    async def discards(self, projection: str) -> Sequence[Discard]:
        """What was given up."""
        return await self._control.discards(projection)

    async def set_paused(self, projection: str, paused: bool) -> None:
        """Ask the projection's runners to stand still, or to go on."""
        await self._control.set_paused(projection, paused)

    async def is_paused(self, projection: str) -> bool:
        """Whether the projection was asked to stand still."""
        return await self._control.is_paused(projection)

"""What `ElasticsearchReadStore` does for rebuilds."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime

from contracts.documents import DocumentType
from read_side.elasticsearch.catalogue import Catalogue, unknown
from read_side.elasticsearch.control import Control
from read_side.elasticsearch.generations import Generations
from read_side.elasticsearch.lease import holding
from read_side.elasticsearch.loading import loading, loading_share
from read_side.elasticsearch.searching import Scans
from read_side.elasticsearch.server import Server
from read_side.port import Generation
from read_side.rebuild_port import GenerationWriter, Rebuild, RebuildPhase, Scanned


class ElasticsearchRebuilds:
    """The methods that `RebuildStore` adds to `ProjectionStore`."""

    _server: Server
    _catalogue: Catalogue
    _control: Control
    _generations: Generations
    _scans: Scans

    def rebuilding(self, projection: str) -> AbstractAsyncContextManager[None]:
        """Hold the one right to rebuild a projection or to switch its generations.

        The right of a process that died is free after ten seconds; work that goes on without
        being able to renew it is cancelled before that.
        """
        return holding(self._control, projection)

    async def begin_rebuild(
        self, document_type: DocumentType, fingerprint: str, *, total: int, lease_seconds: float
    ) -> Generation:
        """Make an empty generation, listed as being loaded.

        It is listed first: so whoever sees the generation sees what it is for.
        """
        return await self._create(document_type, fingerprint, total, lease_seconds)

    async def report_rebuild(
        self,
        generation: Generation,
        phase: RebuildPhase,
        *,
        done: int,
        total: int,
        lease_seconds: float,
    ) -> None:
        """Say how far a rebuild has come, and renew its lease."""
        for one in await self._catalogue.listed(generation.projection):
            if one.generation.number == generation.number:
                break
        else:
            raise unknown(generation)
        if one.generation.state != "active":
            await self._control.report_rebuild(
                generation.projection,
                generation.number,
                phase,
                done=done,
                total=total,
                lease_seconds=lease_seconds,
            )

    async def acknowledge_rebuild(self, generation: Generation) -> None:
        """Say, as the owner of the projection, that all its events are written here too."""
        await self._control.acknowledge_rebuild(generation.projection, generation.number)

    async def end_rebuild(self, generation: Generation) -> None:
        """Take a rebuild off the list and leave its generation as it is."""
        await self._control.end_rebuild(generation.projection, generation.number)

    async def rebuilds(self, projection: str) -> Sequence[Rebuild]:
        """The rebuilds that are listed, oldest generation first."""
        said = await self._control.rebuilds(projection)
        if not said:
            return []
        listed = await self._catalogue.listed(projection)
        found = [(one.generation, said.get(one.generation.number)) for one in listed]
        return [
            Rebuild(
                generation,
                it["phase"],
                it["done"],
                it["total"],
                datetime.fromisoformat(it["lease_until"]),
                it["acknowledged"],
            )
            for generation, it in found
            if it is not None and generation.state != "active"
        ]

    @asynccontextmanager
    async def load_in_bulk(self, generation: Generation) -> AsyncGenerator[GenerationWriter]:
        """Write a new generation with nobody else reading it, much faster than `write`."""
        layout = await self._catalogue.layout(generation)
        async with loading(
            self._server, self._control, self._generations, generation, layout
        ) as load:
            yield load

    @asynccontextmanager
    async def load_share(self, generation: Generation) -> AsyncGenerator[GenerationWriter]:
        """Write documents of a generation that another process has begun to load in bulk."""
        layout = await self._catalogue.layout(generation)
        async with loading_share(
            self._server, self._control, self._generations, generation, layout
        ) as load:
            yield load

    async def scan(
        self, generation: Generation, *, after: str | None = None, limit: int = 1000
    ) -> Sequence[Scanned]:
        """At most `limit` documents with keys beyond `after`, in the order of their keys.

        Pages that follow each other show the generation as it was at the first one.
        """
        async with self._generations.index(generation) as index:
            return await self._scans.page(index, after, limit)

    async def _create(
        self,
        document_type: DocumentType,
        fingerprint: str,
        total: int = 0,
        lease_seconds: float | None = None,
    ) -> Generation:
        name = document_type.name
        await self._catalogue.sweep(name)
        while True:
            highest = await self._catalogue.highest(name)
            number = await self._control.next_number(name, highest)
            if lease_seconds is not None:
                await self._control.report_rebuild(
                    name, number, "loading", done=0, total=total, lease_seconds=lease_seconds
                )
            made = await self._catalogue.create(document_type, fingerprint, number)
            if made is not None:
                return made

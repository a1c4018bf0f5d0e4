"""What `SqliteReadStore` does for rebuilds."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from contracts.documents import DocumentType
from read_side.fields import Columns
from read_side.port import Generation
from read_side.rebuild_port import GenerationWriter, Rebuild, RebuildPhase, Scanned
from read_side.sqlite import rebuilds
from read_side.sqlite.bulk import loading
from read_side.sqlite.catalogue import Catalogue
from read_side.sqlite.open_files import OpenFiles


class SqliteRebuilds:
    """The methods that `RebuildStore` adds to `ProjectionStore`."""

    _files: OpenFiles
    _catalogue: Catalogue

    def rebuilding(self, projection: str) -> AbstractAsyncContextManager[None]:
        """Hold the one right to rebuild a projection or to switch its generations."""
        self._check_open()
        path = self._catalogue.path.with_name(f"{projection}.rebuild")
        return rebuilds.holding(path, projection)

    async def begin_rebuild(
        self, document_type: DocumentType, fingerprint: str, *, total: int, lease_seconds: float
    ) -> Generation:
        """Make an empty generation, listed as being loaded."""
        make_file = self._maker(document_type)
        return await rebuilds.begin(
            self._catalogue, document_type, fingerprint, make_file, total, lease_seconds
        )

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
        self._check_open()
        await rebuilds.report(self._catalogue, generation, phase, done, total, lease_seconds)

    async def acknowledge_rebuild(self, generation: Generation) -> None:
        """Say, as the owner of the projection, that all its events are written here too."""
        self._check_open()
        await rebuilds.acknowledge(self._catalogue, generation)

    async def end_rebuild(self, generation: Generation) -> None:
        """Take a rebuild off the list and leave its generation as it is."""
        self._check_open()
        await rebuilds.end(self._catalogue, generation)

    async def rebuilds(self, projection: str) -> Sequence[Rebuild]:
        """The rebuilds that are listed, oldest generation first."""
        self._check_open()
        listed = self._catalogue.current().rebuilds
        return [one for one in listed if one.generation.projection == projection]

    @asynccontextmanager
    async def load_in_bulk(self, generation: Generation) -> AsyncGenerator[GenerationWriter]:
        """Write a new generation with nobody else using it, much faster than `write`."""
        self._check_open()
        listed = self._catalogue.listed(generation)
        await self._files.close_one(generation)
        path = self._files.path(generation.projection, generation.number)
        async with loading(path, Columns(listed.document_type), self._catalogue) as load:
            yield load

    async def scan(
        self, generation: Generation, *, after: str | None = None, limit: int = 1000
    ) -> Sequence[Scanned]:
        """At most `limit` documents with keys beyond `after`, in the order of their keys."""
        self._check_open()
        return await (await self._files.of(generation)).scan(after, limit)

    @abstractmethod
    def _check_open(self) -> None: ...

    @abstractmethod
    def _maker(self, document_type: DocumentType) -> Callable[[int], None]:
        """Makes the file of a generation, by its number."""

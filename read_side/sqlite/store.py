"""`SqliteReadStore`: the read store's protocols over a folder of SQLite files."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Self

from contracts.documents import DocumentType
from contracts.parked import ParkedRequest, ParkedStream
from read_side.fields import Columns
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
from read_side.sqlite import searching, states
from read_side.sqlite.catalogue import Catalogue
from read_side.sqlite.open_files import OpenFiles
from read_side.sqlite.rebuild_store import SqliteRebuilds
from read_side.sqlite.schema import make_generation_file, remove_generation_file

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_THREADS = 4
_POLL_SECONDS = 0.02
"""How often a waiting reader looks whether another process has written."""


class SqliteReadStore(SqliteRebuilds):
    """`Documents`, `RebuildStore` and `WriteNotifier`; several processes may share the folder.

    Raises `ReadStoreUnavailable` when a file is locked for long, full or read-only, and
    `ReadStoreError` when it is damaged or of a newer version.
    """

    def __init__(self, files: OpenFiles, catalogue: Catalogue, threads: ThreadPoolExecutor) -> None:
        """Put the parts together; use `open`."""
        self._files = files
        self._catalogue = catalogue
        self._threads = threads
        self._closed = False

    @classmethod
    async def open(cls, folder: Path) -> Self:
        """Open the read store in this folder, making it the first time.

        Raises:
            ReadStoreError: the catalogue is damaged or of a newer version.
            ReadStoreUnavailable: the folder can't be used.
        """
        threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="read-store")
        try:
            await asyncio.get_running_loop().run_in_executor(threads, _make_folder, folder)
            catalogue = await Catalogue.open(folder / "catalogue.db", threads)
        except BaseException:
            threads.shutdown(wait=False)
            raise
        return cls(OpenFiles(folder, catalogue, threads), catalogue, threads)

    async def close(self) -> None:
        """Finish what was begun and let go of all files; closing again does nothing."""
        if self._closed:
            return
        self._closed = True
        await self._files.close()
        self._catalogue.close()
        await asyncio.to_thread(self._threads.shutdown)

    # --------------------------------------------------------- Documents

    async def get(self, projection: str, key: str) -> Document | None:
        """One document, as last written."""
        self._check_open()
        return (await self._files.active(projection)).get(key)

    async def get_many(self, projection: str, keys: Sequence[str]) -> Mapping[str, Document]:
        """Those of the documents that exist, by key."""
        self._check_open()
        return await (await self._files.active(projection)).get_many(keys)

    async def search(self, projection: str, search: Search) -> Found:
        """One page of a search."""
        self._check_open()
        file = await self._files.active(projection)
        return await file.in_thread(
            partial(searching.search, columns=file.columns, projection=projection, wanted=search)
        )

    async def count_by(
        self, projection: str, field: str, conditions: Sequence[Condition] = ()
    ) -> Mapping[str, int]:
        """How many documents meet the conditions, by the values of a keyword field."""
        self._check_open()
        file = await self._files.active(projection)
        return await file.in_thread(
            partial(searching.count_by, columns=file.columns, field=field, conditions=conditions)
        )

    async def sums(
        self,
        projection: str,
        *,
        group_by: str,
        fields: Sequence[str],
        conditions: Sequence[Condition] = (),
    ) -> Sequence[SumRow]:
        """Sums of LONG fields over the documents that meet the conditions, by group, key order."""
        self._check_open()
        file = await self._files.active(projection)
        return await file.in_thread(
            partial(
                searching.sums,
                columns=file.columns,
                group_by=group_by,
                fields=fields,
                conditions=conditions,
            )
        )

    async def refresh(self, projection: str) -> None:
        """Do nothing: what was written is found at once."""

    # ----------------------------------------------------- WriteNotifier

    async def wait_for_write(self, projection: str, timeout: float) -> None:  # noqa: ASYNC109
        """Return when the active generation was written since the call, or after `timeout` s."""
        deadline = time.monotonic() + timeout
        before = await self._written(projection)
        while (left := deadline - time.monotonic()) > 0:
            if self._catalogue.current().active.get(projection) is None:
                await asyncio.sleep(min(left, _POLL_SECONDS))
            else:
                file = await self._files.active(projection)
                await file.written_within(min(left, _POLL_SECONDS))
            if await self._written(projection) != before:
                return

    async def _written(self, projection: str) -> tuple[int, int] | None:
        """Changes when the active generation was written, or another one became active."""
        self._check_open()
        listed = self._catalogue.current().active.get(projection)
        if listed is None:
            return None
        file = await self._files.active(projection)
        return listed.generation.number, file.data_version()

    # --------------------------------------------------- ProjectionStore

    async def generations(self, projection: str) -> Sequence[Generation]:
        """All generations of a projection, oldest first."""
        self._check_open()
        listed = self._catalogue.current().generations.values()
        return [one.generation for one in listed if one.generation.projection == projection]

    async def create_generation(self, document_type: DocumentType, fingerprint: str) -> Generation:
        """Make an empty generation in state `building`."""
        make_file = self._maker(document_type)
        return await self._catalogue.create(document_type, fingerprint, make_file)

    async def activate(self, generation: Generation) -> None:
        """Let this generation answer queries from now on and retire the one before."""
        self._check_open()
        file = await self._files.of(generation)
        await file.prepare_for_queries()
        await self._catalogue.activate(generation)

    async def drop(self, generation: Generation) -> None:
        """Remove a generation that is not active, with all it holds; a repeat does nothing."""
        self._check_open()
        await self._catalogue.remove(generation)
        await self._files.close_one(generation)
        path = self._files.path(generation.projection, generation.number)
        await asyncio.to_thread(remove_generation_file, path)

    async def load(self, generation: Generation, keys: Sequence[str]) -> Mapping[str, Stored]:
        """Those of the documents that exist, by key."""
        self._check_open()
        return await (await self._files.of(generation)).load(keys)

    async def write(self, generation: Generation, batch: WriteBatch) -> None:
        """Write documents, checkpoint and parked streams in one transaction."""
        self._check_open()
        file = await self._files.of(generation)
        async with file.transaction() as connection:
            await file.put(connection, batch.puts)
            states.write_states(connection, batch)

    async def checkpoints(self, generation: Generation) -> Mapping[str, Checkpoint]:
        """The checkpoints by source."""
        self._check_open()
        return states.read_checkpoints(await self._files.of(generation))

    async def parked(self, generation: Generation) -> Sequence[ParkedStream]:
        """The parked streams, oldest first."""
        self._check_open()
        return states.read_parked((await self._files.of(generation)).read)

    async def request(
        self, generation: Generation, stream: str, request: ParkedRequest, reason: str | None
    ) -> bool:
        """Ask whoever owns the stream to retry or discard; False when it is not parked."""
        self._check_open()
        return await states.request(await self._files.of(generation), stream, request, reason)

    async def discard(self, discard: Discard) -> None:
        """Remember an event as given up."""
        self._check_open()
        await self._catalogue.add_discard(discard)

    async def discards(self, projection: str) -> Sequence[Discard]:
        """What was given up."""
        self._check_open()
        return self._catalogue.discards(projection)

    async def set_paused(self, projection: str, paused: bool) -> None:
        """Ask the projection's runners to stand still, or to go on."""
        self._check_open()
        await self._catalogue.set_paused(projection, paused)

    async def is_paused(self, projection: str) -> bool:
        """Whether the projection was asked to stand still."""
        self._check_open()
        return projection in self._catalogue.current().paused

    def _maker(self, document_type: DocumentType) -> Callable[[int], None]:
        """Makes the file of a generation, by its number."""
        self._check_open()
        name = document_type.name
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} can't name a file: lower case letters, digits and _")
        columns = Columns(document_type)

        def make_file(number: int) -> None:
            make_generation_file(self._files.path(name, number), columns)

        return make_file

    def _check_open(self) -> None:
        if self._closed:
            raise ReadStoreUnavailable("the read store is closed")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ReadStoreUnavailable(f"{folder} can't be used: {error}") from error

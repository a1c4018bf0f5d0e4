"""The generations' files that this process has open."""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor
from pathlib import Path

from read_side.fields import Columns
from read_side.port import Generation, NoActiveGeneration, ReadStoreUnavailable
from read_side.sqlite.catalogue import Catalogue
from read_side.sqlite.generation_file import GenerationFile
from read_side.sqlite.listing import Listed, Snapshot

Key = tuple[str, int]


class OpenFiles:
    """Opens a generation's file when it is first used, and closes it once it was dropped."""

    def __init__(self, folder: Path, catalogue: Catalogue, threads: Executor) -> None:
        """Look generations up in this catalogue."""
        self._folder = folder
        self._catalogue = catalogue
        self._threads = threads
        self._files: dict[Key, GenerationFile] = {}
        self._opening = asyncio.Lock()
        self._closing: set[asyncio.Task[None]] = set()
        self._seen: Snapshot | None = None
        self._closed = False

    def path(self, projection: str, number: int) -> Path:
        """Where a generation's file is."""
        return self._folder / f"{projection}-{number}.db"

    async def active(self, projection: str) -> GenerationFile:
        """The file that answers queries.

        Raises:
            NoActiveGeneration: there is none.
        """
        listed = self._current().active.get(projection)
        if listed is None:
            raise NoActiveGeneration(f"{projection} has not been projected yet")
        return await self._file(listed)

    async def of(self, generation: Generation) -> GenerationFile:
        """The file of a generation.

        Raises:
            UnknownGeneration: it was dropped.
        """
        self._current()
        return await self._file(self._catalogue.listed(generation))

    async def close_one(self, generation: Generation) -> None:
        """Let go of a generation's file."""
        async with self._opening:
            file = self._files.pop((generation.projection, generation.number), None)
        if file is not None:
            await file.close()

    async def close(self) -> None:
        """Let go of all files."""
        async with self._opening:
            self._closed = True
            files, self._files = list(self._files.values()), {}
            for file in files:
                await file.close()
        await asyncio.gather(*self._closing)

    def _current(self) -> Snapshot:
        snapshot = self._catalogue.current()
        if snapshot is not self._seen:
            self._seen = snapshot
            for key in self._files.keys() - snapshot.generations.keys():
                task = asyncio.create_task(self._files.pop(key).close())
                self._closing.add(task)
                task.add_done_callback(self._closing.discard)
        return snapshot

    async def _file(self, listed: Listed) -> GenerationFile:
        key = (listed.generation.projection, listed.generation.number)
        file = self._files.get(key)
        if file is not None:
            return file
        async with self._opening:
            if self._closed:
                raise ReadStoreUnavailable("the read store is closed")
            if key not in self._files:
                columns = Columns(listed.document_type)
                self._files[key] = await GenerationFile.open(
                    self.path(*key), columns, self._threads
                )
            return self._files[key]

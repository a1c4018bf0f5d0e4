"""The read store as rebuilds see it: replaying into a generation beside the one that serves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

from contracts.documents import DocumentType
from contracts.parked import ParkedStream
from read_side.port import (
    Discard,
    Documents,
    Generation,
    ProjectionStore,
    ReadStoreError,
    Stored,
    WriteBatch,
    WriteNotifier,
)

RebuildPhase = Literal["loading", "following", "built"]
"""`loading`: the rebuild has the generation to itself. `following`: it holds all events up to a
head, and the projection's owner writes to it as well. `built`: it could be switched to; the owner
goes on writing to it."""


class RebuildUnderWay(ReadStoreError):
    """Another process rebuilds this projection, or switches its generations."""


@dataclass(frozen=True, slots=True)
class Rebuild:
    """How far a rebuild has come, as whoever carries it out said last."""

    generation: Generation
    phase: RebuildPhase
    done: int
    """Events replayed so far."""
    total: int
    """Events to replay, as far as known; 0: not known."""
    lease_until: datetime
    """Unless it is `built`, a rebuild that said nothing until then was abandoned."""
    acknowledged: bool
    """Whether the projection's owner writes to the generation and has once caught up in it."""

    def is_abandoned(self, now: datetime) -> bool:
        """Whether nobody carries it out any more."""
        return self.phase != "built" and self.lease_until < now


@dataclass(frozen=True, slots=True)
class Scanned:
    """A document as it lies in the store; equal texts are equal documents."""

    key: str
    streams: Mapping[str, int]
    document: str | None
    """JSON; None: nothing to show."""


class GenerationWriter(Protocol):
    """What an engine writes a generation with: a `ProjectionStore`, or a load in bulk.

    Writes of a load in bulk may still be under way when they return; they are in order, and what
    went wrong is raised by a later call.
    """

    async def load(self, generation: Generation, keys: Sequence[str]) -> Mapping[str, Stored]:
        """Those of the documents that exist, by key."""
        ...

    async def write(self, generation: Generation, batch: WriteBatch) -> None:
        """Write the documents, then the checkpoints.

        Raises:
            DocumentRefused: a document can't be stored as it is; nothing of the batch is written.
        """
        ...

    async def parked(self, generation: Generation) -> Sequence[ParkedStream]:
        """The parked streams, oldest first."""
        ...

    async def discard(self, discard: Discard) -> None:
        """Remember an event as given up."""
        ...

    async def discards(self, projection: str) -> Sequence[Discard]:
        """What was given up."""
        ...


class RebuildStore(ProjectionStore, Protocol):
    """What rebuilds use, besides all that projections do."""

    def rebuilding(self, projection: str) -> AbstractAsyncContextManager[None]:
        """Hold the one right to rebuild a projection or to switch its generations.

        The right of a process that dies is free again.

        Raises:
            RebuildUnderWay: another one holds it.
        """
        ...

    async def begin_rebuild(
        self, document_type: DocumentType, fingerprint: str, *, total: int, lease_seconds: float
    ) -> Generation:
        """Make an empty generation in state `building`, listed as being loaded, in one step."""
        ...

    async def report_rebuild(
        self,
        generation: Generation,
        phase: RebuildPhase,
        *,
        done: int,
        total: int,
        lease_seconds: float,
    ) -> None:
        """Say how far a rebuild has come, and renew its lease.

        Also lists a generation anew, such as a retired one that shall be followed again; one that
        is active is not listed.

        Raises:
            UnknownGeneration: it was dropped.
        """
        ...

    async def acknowledge_rebuild(self, generation: Generation) -> None:
        """Say, as the owner of the projection, that all its events are written here too."""
        ...

    async def end_rebuild(self, generation: Generation) -> None:
        """Take a rebuild off the list and leave its generation as it is.

        `activate` and `drop` do this as well.
        """
        ...

    async def rebuilds(self, projection: str) -> Sequence[Rebuild]:
        """The rebuilds that are listed, oldest generation first."""
        ...

    def load_in_bulk(self, generation: Generation) -> AbstractAsyncContextManager[GenerationWriter]:
        """Write a new generation with nobody else using it, much faster than `write`.

        When this ends without an error all is on disk and can be searched. After an error, or a
        kill, the generation is worth nothing: drop it.
        """
        ...

    async def scan(
        self, generation: Generation, *, after: str | None = None, limit: int = 1000
    ) -> Sequence[Scanned]:
        """At most `limit` documents with keys beyond `after`, in the order of their keys."""
        ...


@runtime_checkable
class LoadsShares(RebuildStore, Protocol):
    """A store in which several processes can load one generation, each some of its documents."""

    def load_share(self, generation: Generation) -> AbstractAsyncContextManager[GenerationWriter]:
        """Write documents of a generation that another process has begun to load in bulk.

        Nobody else writes the same documents. When this ends without an error all is with the
        store; the other process's `load_in_bulk` ends after that and makes it ready for searches.
        """
        ...


class WholeReadStore(RebuildStore, Documents, WriteNotifier, Protocol):
    """Everything that is kept for queries: what each adapter offers."""

    async def close(self) -> None:
        """Let go of all resources."""
        ...

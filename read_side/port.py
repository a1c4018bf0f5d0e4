"""The read store as queries and projections see it: documents, searches, generations.

A projection keeps its documents in generations. One generation is active and answers queries;
others are being built, or kept for a rollback. Each has its own checkpoints and parked streams.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from contracts.documents import DocumentType
from contracts.parked import ParkedRequest, ParkedStream

Document = dict[str, Any]
"""A JSON object, shaped as the TypedDicts of `contracts.documents`."""


class ReadStoreError(Exception):
    """Base of all errors of a read store."""


class ReadStoreUnavailable(ReadStoreError):
    """The store can't be reached or can't take work now; trying again later can succeed."""


class NoActiveGeneration(ReadStoreUnavailable):
    """Nothing has been projected under this name yet."""


class FieldNotIndexed(ReadStoreUnavailable):
    """The generation can't filter, sort, group or sum by this field in this way.

    Either no search of this kind is promised for the field, or the generation was built by other
    code, which did not index it: a rebuild helps.
    """


class UnknownGeneration(ReadStoreError):
    """The generation does not exist (any more)."""


class DocumentRefused(ReadStoreError):
    """A document can't be stored: it is no JSON, or a field is not what its type says.

    Trying again does not help; nothing of the batch was written.
    """

    def __init__(self, key: str, why: str) -> None:
        """Name the document and say what is wrong with it."""
        super().__init__(f"document {key!r} can't be stored: {why}")
        self.key = key


class InvalidCursor(ReadStoreError):
    """The cursor was not made by this store for this search."""


class WriteConflict(ReadStoreError):
    """Some documents are not at the revision the write expected; no checkpoint moved.

    Other documents of the batch may have been written: read again and project again.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        """Name the documents in conflict."""
        super().__init__(f"written by another meanwhile: {', '.join(keys)}")
        self.keys = tuple(keys)


# ---------------------------------------------------------------- searches


@dataclass(frozen=True, slots=True)
class AnyOf:
    """The field has one of the values (a nested field: some object of the list has).

    A value of another type than the field's, or beyond 64 bits, is never met.
    """

    field: str
    values: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Between:
    """The field is at least `at_least` and below `below`; None leaves that side open.

    With both sides open it restricts nothing; otherwise a document without the field is left out.
    A bound of another type than the field's is never met; one beyond 64 bits counts as what it is.
    """

    field: str
    at_least: str | int | None = None
    below: str | int | None = None


@dataclass(frozen=True, slots=True)
class Matches:
    """All words of `text` stand in the document's text fields, each at the start of a word.

    Case and accents do not count. Words are parted by blanks; one that holds other signs, such as
    an e-mail address, is met where its parts follow each other within one field. Only the first 50
    words count. A text without letters and digits restricts nothing.
    """

    text: str


@dataclass(frozen=True, slots=True)
class Either:
    """At least one of the conditions holds; of no conditions, none does."""

    conditions: tuple[AnyOf | Between | Matches, ...]


Condition = AnyOf | Between | Matches | Either


@dataclass(frozen=True, slots=True)
class Search:
    """Documents that meet all conditions, sorted by one field and then by key, in pages.

    Documents without the sort field come last ascending and first descending; keys run in the
    direction of the field. `limit` is 1 to 10,000. `cursor` is the `next_cursor` of the page
    before, of the same search.
    """

    conditions: tuple[Condition, ...] = ()
    sort: str | None = None
    """A field that is no text, with `-` before it for descending; None sorts by key."""
    limit: int = 50
    cursor: str | None = None
    bound_to: str | None = None
    """What cursors are bound to instead of the conditions, for a search whose conditions may
    differ from page to page because they were looked up; None binds them to the conditions."""


@dataclass(frozen=True, slots=True)
class Found:
    """A page of documents; `next_cursor` is None on the last one."""

    documents: Sequence[Document]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class SumRow:
    """One group: its key, how many documents are in it, and a sum for each field asked for."""

    key: str
    documents: int
    sums: Mapping[str, int]


class Documents(Protocol):
    """What queries use: the active generation of each projection.

    All methods may raise `ReadStoreUnavailable`.
    """

    async def get(self, projection: str, key: str) -> Document | None:
        """One document, as last written."""
        ...

    async def get_many(self, projection: str, keys: Sequence[str]) -> Mapping[str, Document]:
        """Those of the documents that exist, by key."""
        ...

    async def search(self, projection: str, search: Search) -> Found:
        """One page of a search; only a document that shows something (not None) is found.

        Paging shows each document that was there at the first page and did not change its sort
        field exactly once.

        Raises:
            InvalidCursor: the cursor is not one of this search.
        """
        ...

    async def count_by(
        self, projection: str, field: str, conditions: Sequence[Condition] = ()
    ) -> Mapping[str, int]:
        """How many documents meet the conditions, by the values of a keyword field.

        Documents without the field are not counted; for a nested field a document counts once
        for each value in its list.
        """
        ...

    async def sums(
        self,
        projection: str,
        *,
        group_by: str,
        fields: Sequence[str],
        conditions: Sequence[Condition] = (),
    ) -> Sequence[SumRow]:
        """Sums of LONG fields over the documents that meet the conditions, by group, key order.

        `group_by` is a keyword field, maybe nested (`items.product_id`). `fields` may be nested
        in a list; grouped by a nested field they must be of the same list, and sum that group's
        objects only. Documents without the group's field are left out; sums are exact.
        """
        ...

    async def refresh(self, projection: str) -> None:
        """Return when all that was written before is found by searches."""
        ...


class WriteNotifier(Protocol):
    """Tells waiting readers that it is worth looking again."""

    async def wait_for_write(self, projection: str, timeout: float) -> None:  # noqa: ASYNC109
        """Return when the active generation was written since the call, or after `timeout` seconds.

        Also returns when another generation becomes active. It may return early for nothing and
        can miss a write of another process just before the call: look again, in short turns.
        """
        ...


# ------------------------------------------------------------- projecting


GenerationState = Literal["building", "active", "retired"]


@dataclass(frozen=True, slots=True)
class Generation:
    """One build of a projection's documents by the projector of that fingerprint."""

    projection: str
    number: int
    state: GenerationState
    fingerprint: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Stored:
    """A document as a projector needs it.

    `streams` is the version reached of each stream that the document is made of; `revision`
    changes with every write.
    """

    document: Document | None
    streams: Mapping[str, int]
    revision: int


@dataclass(frozen=True, slots=True)
class Put:
    """Write a document if its revision is still this one (None: if it does not exist)."""

    key: str
    document: Document | None
    """None keeps only the streams' versions: nothing to show."""
    streams: Mapping[str, int]
    revision: int | None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Up to where one source of events has been projected.

    `store` is the identity of the event store; `source` tells partitions apart.
    """

    source: str
    store: str
    position: str


@dataclass(frozen=True, slots=True)
class WriteBatch:
    """Documents, the checkpoints they lead to, and streams to park or unpark, written together."""

    puts: Sequence[Put] = ()
    checkpoints: Sequence[Checkpoint] = ()
    park: Sequence[ParkedStream] = ()
    unpark: Sequence[str] = field(default=())
    """Streams that flow again."""


@dataclass(frozen=True, slots=True)
class Discard:
    """An event that an operator gave up on, for all generations of a projection."""

    projection: str
    stream: str
    version: int
    reason: str


class ProjectionStore(Protocol):
    """What projections use: generations, and writing to one of them.

    All methods may raise `ReadStoreUnavailable`.
    """

    async def generations(self, projection: str) -> Sequence[Generation]:
        """All generations of a projection, oldest first."""
        ...

    async def create_generation(self, document_type: DocumentType, fingerprint: str) -> Generation:
        """Make an empty generation in state `building`; numbers count up and are never reused."""
        ...

    async def activate(self, generation: Generation) -> None:
        """Let this generation answer queries from now on and retire the one before, in one step.

        Raises:
            UnknownGeneration: it was dropped.
        """
        ...

    async def drop(self, generation: Generation) -> None:
        """Remove a generation that is not active, with all it holds; a repeat does nothing.

        Raises:
            ReadStoreError: the generation is active.
        """
        ...

    async def load(self, generation: Generation, keys: Sequence[str]) -> Mapping[str, Stored]:
        """Those of the documents that exist, by key."""
        ...

    async def write(self, generation: Generation, batch: WriteBatch) -> None:
        """Write the documents, then the checkpoints; in one transaction where the store has them.

        Each key, and each source of a checkpoint, stands at most once in a batch.

        Raises:
            WriteConflict: a document is at another revision.
            DocumentRefused: a document can't be stored as it is.
            UnknownGeneration: the generation was dropped.
        """
        ...

    async def checkpoints(self, generation: Generation) -> Mapping[str, Checkpoint]:
        """The checkpoints by source."""
        ...

    async def parked(self, generation: Generation) -> Sequence[ParkedStream]:
        """The parked streams, oldest first."""
        ...

    async def request(
        self, generation: Generation, stream: str, request: ParkedRequest, reason: str | None
    ) -> bool:
        """Ask whoever owns the stream to retry or discard; False when it is not parked."""
        ...

    async def discard(self, discard: Discard) -> None:
        """Remember an event as given up."""
        ...

    async def discards(self, projection: str) -> Sequence[Discard]:
        """What was given up."""
        ...

    async def set_paused(self, projection: str, paused: bool) -> None:
        """Ask the projection's runners to stand still, or to go on."""
        ...

    async def is_paused(self, projection: str) -> bool:
        """Whether the projection was asked to stand still."""
        ...

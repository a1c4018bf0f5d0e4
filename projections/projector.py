"""What a projector is: a pure function from a document and an event to the next document."""

from __future__ import annotations

import hashlib
import inspect
import sys
from datetime import datetime
from functools import cache
from types import ModuleType
from typing import Any, Protocol, TypeVar

import msgspec

from contracts.documents import DocumentType
from contracts.events.base import Event
from contracts.metadata import Metadata, ReplayMetadata
from event_store.codec import decode_metadata
from event_store.port import RecordedEvent
from projections import shapes

D = TypeVar("D")


class ProjectionError(Exception):
    """The event can't be shown in the document; its stream is parked."""


class NoDocument(ProjectionError):
    """The event continues a document that was never begun."""


class Context(msgspec.Struct, frozen=True, gc=False):
    """What is known of an event besides its data."""

    recorded: RecordedEvent
    """Where the event lies."""
    store: str
    """Identity of the event's own store."""
    known: Metadata | ReplayMetadata
    """What of the metadata was read already."""

    @property
    def version(self) -> int:
        """The event's version in its stream."""
        return self.recorded.version

    @property
    def occurred_at(self) -> datetime:
        """The event's business time."""
        return self.known.occurred_at

    @property
    def metadata(self) -> Metadata:
        """Who brought the event about, by which command, and why.

        Raises:
            MalformedEvent: the metadata are not ours.
        """
        known = self.known
        return known if isinstance(known, Metadata) else decode_metadata(self.recorded)


class Projector(Protocol[D]):
    """Makes documents of one type from the events of some categories.

    It has no state and no side effects, and never changes the document it is given: the same
    events make the same documents, whenever and however often they come.
    """

    @property
    def name(self) -> str:
        """The projection's name, also the name of its document type."""
        ...

    @property
    def document_type(self) -> DocumentType:
        """The documents' type."""
        ...

    @property
    def categories(self) -> tuple[str, ...]:
        """The categories of streams it is made from."""
        ...

    @property
    def handles(self) -> frozenset[type[Event]] | None:
        """The event types it understands; all others only count their version.

        None: every event whatever its type, from its context alone; `project` gets no event.
        """
        ...

    def key_of(self, stream: str) -> str | None:
        """The key of the document that all events of the stream go into.

        None: each event has a document of its own, under the event's id.
        """
        ...

    def project(self, document: D | None, event: Event | None, context: Context) -> D | None:
        """The document after the event; None for no document.

        Raises:
            ProjectionError, or anything else: the event can't be projected; its stream is parked.
        """
        ...


AnyProjector = Projector[Any]


def existing(document: D | None, event: Event | None) -> D:
    """The document that an event continues.

    Raises:
        NoDocument: there is none.
    """
    if document is None:
        raise NoDocument(f"{type(event).__name__} came before anything that begins a document")
    return document


@cache
def fingerprint(projector: AnyProjector) -> str:
    """A digest of the projector's code and of its document type.

    Another fingerprint means that the documents of a generation may differ from what this
    projector would make. Where line ends differ, the code is the same.
    """
    digest = hashlib.sha256()
    for module in (sys.modules[type(projector).__module__], shapes):
        digest.update(_source(module).encode())
    kind = projector.document_type
    digest.update(repr((kind.name, dict(kind.fields))).encode())
    digest.update(repr({name: dict(fields) for name, fields in kind.nested.items()}).encode())
    if kind.sorted_by:
        digest.update(repr(dict(kind.sorted_by)).encode())
    return digest.hexdigest()[:16]


def _source(module: ModuleType) -> str:
    return "\n".join(inspect.getsource(module).splitlines())

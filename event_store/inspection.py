"""Reading a store for those who check it: everything it keeps, in whatever form that is.

What loads and subscriptions use refuses what is in no form of ours, and does not see what stands
where nothing of ours stands. A store whose content can be changed behind its back shows here
what they would stumble over, or never see.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from event_store.port import EventStore, Position, RecordedEvent

_PAGE = 1000


class Stored(NamedTuple):
    """An event as it is kept, and what of it was never written by this software.

    What can't be read is made readable: an id that is none is all zeros, and an event whose stream
    or version can't be read has `NO_VERSION`.
    """

    event: RecordedEvent
    changed: str | None = None
    """What of its content is in no form of ours."""
    misplaced: str | None = None
    """Why readers don't see it where it belongs."""


class Walk(Protocol):
    """The ways through a store."""

    async def damage(self) -> Sequence[str]:
        """What is wrong with the store as a whole, if that can be."""
        ...

    async def end(self) -> Position | None:
        """The position of the last event; None while there is none."""
        ...

    async def gap(self, end: Position) -> str | None:
        """What the positions up to this one say of events that are gone, if they can say that."""
        ...

    def everything(self, end: Position) -> AsyncGenerator[Sequence[Stored]]:
        """Pages of all events up to this position, in order of recording."""
        ...

    def stream(
        self, stream: str, since: Position | None = None
    ) -> AsyncGenerator[Sequence[Stored]]:
        """Pages of a stream's events, those at this position or behind it, in order of version."""
        ...


@runtime_checkable
class Inspectable(Protocol):
    """A store that shows more than loads and subscriptions see."""

    def inspection(self) -> Walk:
        """A way through all it keeps."""
        ...


@runtime_checkable
class Parted(Protocol):
    """Several stores that are read as one, and are checked one by one."""

    @property
    def parts(self) -> Mapping[str, EventStore]:
        """Each of them, by the name that composite positions have for it."""
        ...


def walk_of(store: EventStore) -> Walk:
    """The way through this store that shows most."""
    return store.inspection() if isinstance(store, Inspectable) else _PortWalk(store)


class _PortWalk:
    """Through a store that keeps forms, places and order itself: it is read as by everybody."""

    def __init__(self, store: EventStore) -> None:
        self._store = store

    async def damage(self) -> Sequence[str]:
        """Nothing that could be seen from here."""
        return ()

    async def end(self) -> Position | None:
        """See `Walk.end`."""
        return await self._store.head()

    async def gap(self, end: Position) -> str | None:
        """Nothing: positions need not follow each other."""
        return None

    async def everything(self, end: Position) -> AsyncGenerator[Sequence[Stored]]:
        """See `Walk.everything`."""
        after: Position | None = None
        while after is None or after < end:
            page = await self._store.read_all(after=after, limit=_PAGE)
            yield [Stored(event) for event in page.events if event.position <= end]
            after = page.position

    async def stream(
        self, stream: str, since: Position | None = None
    ) -> AsyncGenerator[Sequence[Stored]]:
        """See `Walk.stream`."""
        first = 0
        while page := await self._store.read_stream(stream, first=first, limit=_PAGE):
            yield [Stored(event) for event in page if since is None or event.position >= since]
            first = page[-1].version + 1

"""The event stores of several contexts, read and written as one.

A stream is in the store of its context, with its own version, position and snapshot. What is read
of all is ordered by recorded time, then by store; its positions, as the identity, are composite.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import aclosing
from typing import TypeVar

from contracts.parked import ParkedRequest, ParkedStream
from contracts.registry import CONTEXTS
from event_store.composite import compose, context_of, part_name, parts_of
from event_store.merging import Part, composed, followed, merged, places_in
from event_store.port import (
    Appended,
    Delivery,
    ExpectedVersion,
    NewEvent,
    Page,
    Position,
    RecordedEvent,
    Snapshot,
    WholeEventStore,
)
from event_store.renewal import RenewsIdentity
from event_store.shares import Share, read_share

Result = TypeVar("Result")


class MergedEventStore:
    """An `EventStore`, `SnapshotStore` and `SubscriptionStore` of one store for each context.

    Where only some categories are asked for, only the stores that have them are: of one that can't
    answer, nothing else is held up, and its part of the position stays where it was.
    """

    def __init__(self, stores: Mapping[str, WholeEventStore]) -> None:
        """Put together the stores of all contexts; several may have the same.

        Raises:
            ValueError: a context has none.
        """
        missing = set(CONTEXTS) - stores.keys()
        if missing:
            raise ValueError(f"no event store for {', '.join(sorted(missing))}")
        shared: dict[int, list[str]] = {}
        for context, store in stores.items():
            shared.setdefault(id(store), []).append(context)
        parts = [Part(part_name(them), stores[them[0]]) for them in shared.values()]
        self._parts = {part.name: part for part in sorted(parts, key=lambda part: part.name)}
        self._part_of = {
            context: next(part for part in parts if part.store is store)
            for context, store in stores.items()
        }

    @property
    def parts(self) -> Mapping[str, WholeEventStore]:
        """The stores, each once; `contexts_in` says whose the part of a name is."""
        return {name: part.store for name, part in self._parts.items()}

    async def append(
        self, stream: str, events: Sequence[NewEvent], *, expected: ExpectedVersion
    ) -> Appended:
        """Append to the store of the stream's context; see `EventStore.append`.

        The position answered is that store's own.
        """
        part = self._of(stream)
        return await part.asked(lambda store: store.append(stream, events, expected=expected))

    async def read_stream(
        self,
        stream: str,
        *,
        first: int | None = None,
        last: int | None = None,
        backwards: bool = False,
        limit: int | None = None,
    ) -> Sequence[RecordedEvent]:
        """Read the events of a stream; see `EventStore.read_stream`."""
        part = self._of(stream)
        return await part.asked(
            lambda store: store.read_stream(
                stream, first=first, last=last, backwards=backwards, limit=limit
            )
        )

    async def read_all(
        self,
        *,
        after: Position | None = None,
        categories: Collection[str] | None = None,
        limit: int = 500,
    ) -> Page:
        """Read a page of the events of all stores; see `EventStore.read_all`.

        Each event has the position of its own store; only the page's is composite.
        """

        def read(
            store: WholeEventStore, at: Position | None, names: Collection[str] | None
        ) -> Awaitable[Page]:
            return store.read_all(after=at, categories=names, limit=limit)

        return await self._page(read, after, categories, limit)

    async def read_share(
        self,
        share: Share,
        *,
        after: Position | None = None,
        categories: Collection[str] | None = None,
        limit: int = 500,
    ) -> Page:
        """Read a page of the events of a share; see `ReadsShares`."""

        def read(
            store: WholeEventStore, at: Position | None, names: Collection[str] | None
        ) -> Awaitable[Page]:
            return read_share(store, share, after=at, categories=names, limit=limit)

        return await self._page(read, after, categories, limit)

    async def _page(
        self,
        read: Callable[[WholeEventStore, Position | None, Collection[str] | None], Awaitable[Page]],
        after: Position | None,
        categories: Collection[str] | None,
        limit: int,
    ) -> Page:
        places = places_in(after, self._parts)
        asked = self._with(categories)

        async def read_in(part: Part, names: Collection[str] | None) -> Page:
            return await part.asked(lambda store: read(store, places[part.name], names))

        pages = await _all([read_in(part, names) for part, names in asked])
        return merged(
            {part.name: it for (part, _), it in zip(asked, pages, strict=True)}, places, limit
        )

    async def subscribe(
        self,
        *,
        after: Position | None = None,
        categories: Collection[str] | None = None,
        batch: int = 500,
    ) -> AsyncGenerator[Delivery]:
        """Follow the events of all stores; see `EventStore.subscribe`.

        History comes in the order of recorded times, what is new as each store tells of it.

        Raises:
            InvalidPosition: `after` is not a position of these stores.
            EventStoreUnavailable: also when one of the stores is closed meanwhile.
        """
        position, at_end = after, False
        while not at_end:
            page = await self.read_all(after=position, categories=categories, limit=batch)
            position, at_end = page.position, page.at_end
            yield Delivery(page.events, position, caught_up=at_end)
        places = places_in(position, self._parts)
        live = {
            part.name: part.subscription(places[part.name], names, batch)
            for part, names in self._with(categories)
        }
        async with aclosing(followed(live, places)) as deliveries:
            async for delivery in deliveries:
                yield delivery

    async def head(self) -> Position | None:
        """The positions of the last events; None while all stores are empty."""
        if not any((await self._of_each(lambda store: store.head())).values()):
            return None
        # Of an empty store too: the position from which it goes on.
        return (await self.read_all(categories=(), limit=1)).position

    async def count(self, categories: Collection[str]) -> int | None:
        """How many events there are in these categories; None if one of the stores can't tell."""

        async def count_in(part: Part, names: Collection[str]) -> int | None:
            return await part.asked(lambda store: store.count(names))

        counts = await _all([count_in(part, names or ()) for part, names in self._with(categories)])
        known = [count for count in counts if count is not None]
        return sum(known) if len(known) == len(counts) else None

    async def stream_version(self, stream: str) -> int:
        """The version of the last event of a stream, or `NO_VERSION`."""
        part = self._of(stream)
        return await part.asked(lambda store: store.stream_version(stream))

    async def identity(self) -> str:
        """The identities of all stores: a restore of any of them makes it another one."""
        return compose(await self._of_each(lambda store: store.identity()))

    async def renew_where_lost(self, identity: str, position: Position) -> bool:
        """Let the stores whose ends were lost take other identities; see `RenewsIdentity`."""
        places, identities = places_in(position, self._parts), parts_of(identity) or {}

        async def renew(part: Part) -> bool:
            store, place = part.store, places[part.name]
            if place is None or not isinstance(store, RenewsIdentity):
                return False
            known = identities[part.name]
            return await part.asked(lambda _: store.renew_where_lost(known, place))

        return any(await _all([renew(part) for part in self._parts.values()]))

    async def check(self) -> None:
        """Return when all stores can read and write now; raise what prevents one otherwise."""
        await self._of_each(lambda store: store.check())

    async def close(self) -> None:
        """Close all stores."""
        await self._of_each(lambda store: store.close())

    async def load_snapshot(self, stream: str) -> Snapshot | None:
        """The newest snapshot of the stream, if there is one."""
        part = self._of(stream)
        return await part.asked(lambda store: store.load_snapshot(stream))

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        """Keep this snapshot instead of an older one of the same stream."""
        part = self._of(snapshot.stream)
        await part.asked(lambda store: store.save_snapshot(snapshot))

    async def load_checkpoint(self, subscriber: str) -> Position | None:
        """Where the subscriber is in each store, as each of them has it.

        A store that has nothing of it is read from its beginning.
        """
        places = await self._of_each(lambda store: store.load_checkpoint(subscriber))
        return composed(places) if any(places.values()) else None

    async def save_checkpoint(self, subscriber: str, position: Position) -> None:
        """Remember in each store how far the subscriber has come with its events.

        So each part is restored with the events that it speaks of. Where this ends halfway, some
        events are handled again, as after any crash.
        """

        async def save_in(part: Part, place: Position) -> None:
            await part.asked(lambda store: store.save_checkpoint(subscriber, place))

        for name, place in places_in(position, self._parts).items():
            if place is not None:
                await save_in(self._parts[name], place)

    async def parked(self, subscriber: str | None = None) -> Sequence[ParkedStream]:
        """The parked streams of one subscriber, or of all."""
        found = await self._of_each(lambda store: store.parked(subscriber))
        streams = [entry for entries in found.values() for entry in entries]
        return sorted(streams, key=lambda it: (it.parked_at, it.subscriber, it.stream))

    async def park(self, parked: ParkedStream) -> None:
        """Remember a stream as parked, in its own store."""
        part = self._of(parked.stream)
        await part.asked(lambda store: store.park(parked))

    async def unpark(self, subscriber: str, stream: str) -> None:
        """Forget that the stream was parked."""
        part = self._of(stream)
        await part.asked(lambda store: store.unpark(subscriber, stream))

    async def request(
        self, parked_id: str, request: ParkedRequest, reason: str | None = None
    ) -> bool:
        """Ask the owner to `retry` or `discard`; False when nothing of that id is parked."""
        found = await self._of_each(lambda store: store.request(parked_id, request, reason))
        return any(found.values())

    def _of(self, stream: str) -> Part:
        return self._part_of[context_of(stream)]

    def _with(
        self, categories: Collection[str] | None
    ) -> Sequence[tuple[Part, Collection[str] | None]]:
        """The parts that have these categories, and which of them; all have nothing of none."""
        if not categories:
            return [(part, categories) for part in self._parts.values()]
        found: dict[str, list[str]] = {}
        for category in categories:
            found.setdefault(self._of(category).name, []).append(category)
        return [(self._parts[name], names) for name, names in found.items()]

    async def _of_each(
        self, ask: Callable[[WholeEventStore], Awaitable[Result]]
    ) -> dict[str, Result]:
        """What each part answers; all are asked, also where one can't answer."""
        parts = self._parts.values()
        answers = await _all([part.asked(ask) for part in parts])
        return dict(zip(self._parts, answers, strict=True))


async def _all(answers: Collection[Awaitable[Result]]) -> Sequence[Result]:
    """All answers, once all are there; the first error if there is one."""
    if len(answers) == 1:
        return [await next(iter(answers))]
    found = await asyncio.gather(*answers, return_exceptions=True)
    for one in found:
        if isinstance(one, BaseException):
            raise one
    return [one for one in found if not isinstance(one, BaseException)]

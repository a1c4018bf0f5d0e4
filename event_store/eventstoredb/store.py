"""Streams of events in EventStoreDB, and what is kept beside them."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import aclosing
from typing import Self

from contracts.parked import ParkedRequest, ParkedStream
from event_store.checks import checked_size
from event_store.errors import InvalidPosition, WrongExpectedVersion
from event_store.eventstoredb.client import Client, VersionConflict
from event_store.eventstoredb.identity import Identity
from event_store.eventstoredb.memory import OURS, Checkpoints, ParkedStreams, Snapshots
from event_store.eventstoredb.subscription import deliveries
from event_store.port import (
    NO_VERSION,
    Appended,
    Delivery,
    ExpectedVersion,
    NewEvent,
    Page,
    Position,
    RecordedEvent,
    Snapshot,
    StreamState,
)
from event_store.positions import number_of, position_of
from event_store.shares import Share

_PAGE = 500
_LAST_VERSION = 2**63 - 1


class _BeyondEnd(InvalidPosition):
    """It could be one of this store's, but no event there is has it."""


class EventStoreDBStore:
    """An `EventStore`, `SnapshotStore` and `SubscriptionStore` on a server or cluster."""

    def __init__(self, client: Client) -> None:
        """Use `open` instead."""
        self._client = client
        self._snapshots = Snapshots(client)
        self._checkpoints = Checkpoints(client)
        self._parked = ParkedStreams(client)
        self._identity = Identity(client)

    @classmethod
    async def open(cls, uri: str) -> Self:
        """Connect to `esdb://host:port?Tls=false` or any other URI of EventStoreDB.

        A single server need not be there yet: what is asked of it meanwhile fails.

        Raises:
            ValueError: the URI is not one.
            EventStoreUnavailable: no member of the cluster answers.
        """
        return cls(await Client.connect(uri))

    async def append(
        self, stream: str, events: Sequence[NewEvent], *, expected: ExpectedVersion
    ) -> Appended:
        """Append all events or none, at the expected version; see `EventStore.append`.

        Raises:
            ValueError: no events, an empty name, or an impossible version.
        """
        checked_size(stream, events, expected)
        at = StreamState.NO_STREAM if expected == NO_VERSION else expected
        try:
            position = await self._client.append(stream, events, at)
        except VersionConflict as error:
            current = await self.stream_version(stream)
            raise WrongExpectedVersion(stream, expected, current) from error
        if at is StreamState.NO_STREAM:
            return Appended(len(events) - 1, position_of(position))
        if isinstance(at, int):
            return Appended(at + len(events), position_of(position))
        (last,) = await self._client.read_all(re.escape(stream), start=position, limit=1)
        return Appended(last.version, last.position)

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
        if limit is not None and limit < 0:
            raise ValueError("a limit can't be negative")
        low, high = max(first or 0, 0), _LAST_VERSION if last is None else last
        left = high - low + 1 if limit is None else min(limit, high - low + 1)
        events: list[RecordedEvent] = []
        while left > 0:
            page = await self._client.read_stream(
                stream,
                start=high if backwards else low,
                backwards=backwards,
                limit=min(left, _PAGE),
            )
            events += [event for event in page if low <= event.version <= high]
            if len(page) < min(left, _PAGE):
                break
            left -= len(page)
            low, high = (low, page[-1].version - 1) if backwards else (page[-1].version + 1, high)
        return events

    async def read_all(
        self,
        *,
        after: Position | None = None,
        categories: Collection[str] | None = None,
        limit: int = 500,
    ) -> Page:
        """Read a page of all events; see `EventStore.read_all`.

        Snapshots, checkpoints and parked streams are not among them.
        """
        return await self._page(after, categories, _pattern(categories), limit)

    async def read_share(
        self,
        share: Share,
        *,
        after: Position | None = None,
        categories: Collection[str] | None = None,
        limit: int = 500,
    ) -> Page:
        """Read a page of the events of a share: the server sends no others."""
        pattern = f"{_pattern(categories)}(?<={share.pattern})"
        return await self._page(after, categories, pattern, limit)

    async def _page(
        self,
        after: Position | None,
        categories: Collection[str] | None,
        pattern: str,
        limit: int,
    ) -> Page:
        if limit < 1:
            raise ValueError("a page has at least one event")
        start = number_of(after)
        head = await self._head_from(start)
        if categories is not None and not categories:
            return Page([], position_of(head), at_end=True)
        # The event at the position itself comes first, if it is one of those asked for.
        found = await self._client.read_all(pattern, start=start, limit=limit + 2)
        events = [event for event in found if event.position > position_of(start)]
        if len(events) > limit:
            events = events[:limit]
            return Page(events, events[-1].position, at_end=False)
        reached = max([position_of(head), *(event.position for event in events)])
        return Page(events, reached, at_end=True)

    async def _head_from(self, start: int) -> int:
        """The position of the last event, which what is read after `start` goes up to."""
        head = await self._client.head()
        # A subscription is also told positions of the server's own events.
        if start > head and start > await self._client.head(any_event=True):
            raise _BeyondEnd(f"{position_of(start)} lies beyond the last event of this store")
        return max(head, start)

    async def subscribe(
        self,
        *,
        after: Position | None = None,
        categories: Collection[str] | None = None,
        batch: int = 500,
    ) -> AsyncGenerator[Delivery]:
        """Follow all events; see `EventStore.subscribe`.

        Raises:
            InvalidPosition: `after` is not a position of this store.
            EventStoreUnavailable: also when the connection is lost.
        """
        start = number_of(after)
        await self._head_from(start)
        pattern = _pattern(categories) if categories is None or categories else _NOTHING
        received = self._client.subscribe(pattern, after=start)
        async with aclosing(deliveries(received, start, batch)) as following:
            async for delivery in following:
                yield delivery

    async def head(self) -> Position | None:
        """The position of the last event; None while the store is empty."""
        number = await self._client.head()
        return position_of(number) if number else None

    async def count(self, categories: Collection[str]) -> int | None:
        """None: the server can't tell how many events there are without reading them all."""
        return None

    async def stream_version(self, stream: str) -> int:
        """The version of the last event of a stream, or `NO_VERSION`."""
        last = await self._client.read_stream(stream, start=None, backwards=True, limit=1)
        return last[0].version if last else NO_VERSION

    async def identity(self) -> str:
        """The identity of this store, made when it is first asked for.

        One that a restore renewed is known to all within seconds.
        """
        return await self._identity.get()

    async def renew_identity(self) -> str:
        """Give the store another identity, since it was restored: what knew it starts anew."""
        return await self._identity.renew()

    async def renew_where_lost(self, identity: str, position: Position) -> bool:
        """Take another identity if the end of the store was lost; see `RenewsIdentity`."""
        try:
            await self._head_from(number_of(position))
        except _BeyondEnd:
            return await self._identity.renew_if_beyond(position, identity)
        return False

    async def check(self) -> None:
        """Return when the server answers as the leader of what is written; raise otherwise."""
        await self._client.head()

    async def close(self) -> None:
        """End subscriptions and let go of the connection."""
        await self._identity.close()
        await self._client.close()

    async def load_snapshot(self, stream: str) -> Snapshot | None:
        """The newest snapshot of the stream, if there is one."""
        return await self._snapshots.load(stream)

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        """Keep this snapshot unless a newer one of the stream is there."""
        await self._snapshots.save(snapshot)

    async def load_checkpoint(self, subscriber: str) -> Position | None:
        """The position up to which the subscriber has done its work."""
        return await self._checkpoints.load(subscriber)

    async def save_checkpoint(self, subscriber: str, position: Position) -> None:
        """Remember that all up to this position is done (or parked)."""
        number_of(position)
        await self._checkpoints.save(subscriber, position)

    async def parked(self, subscriber: str | None = None) -> Sequence[ParkedStream]:
        """The parked streams of one subscriber, or of all."""
        return await self._parked.all(subscriber)

    async def park(self, parked: ParkedStream) -> None:
        """Remember a stream as parked, in place of what was known of it."""
        await self._parked.park(parked)

    async def unpark(self, subscriber: str, stream: str) -> None:
        """Forget that the stream was parked."""
        await self._parked.unpark(subscriber, stream)

    async def request(
        self, parked_id: str, request: ParkedRequest, reason: str | None = None
    ) -> bool:
        """Ask the owner to `retry` or `discard`; False when nothing of that id is parked."""
        return await self._parked.request(parked_id, request, reason)


_NOTHING = "(?!)"
_EVERYTHING = rf"(?!\$|(?:{'|'.join(OURS)}|store)-).+"


def is_shown(stream: str) -> bool:
    """Whether the events of a stream of this name are among all events."""
    return re.fullmatch(_EVERYTHING, stream) is not None


def _pattern(categories: Collection[str] | None) -> str:
    """What the whole names of their streams match, in .NET's regular expressions and Python's."""
    if categories is None:
        return _EVERYTHING
    return rf"(?:{'|'.join(re.escape(name) for name in sorted(set(categories)))})-.*"

"""The questions that the audit answers."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import cast

from contracts.documents import EVENT_LOG, ORDER_DETAILS, EventLogDocument
from contracts.errors import NotFound, Unavailable
from contracts.values import Actor, Role
from event_store.port import NO_VERSION, EventStore
from read_side.audit.consequences import Consequences, Forest, follow, trees_of
from read_side.audit.cursors import make_cursor, read_cursor
from read_side.audit.entries import Entry, Viewer, entry_of, names_in
from read_side.audit.index import EventFilter, Place, find, place_of
from read_side.audit.port import Past
from read_side.audit.replay import BEGINNING, Happening, Reached, is_shown, replay
from read_side.port import Document, Documents, InvalidCursor
from read_side.queries.orders import order_for
from read_side.queries.paging import PageWanted
from read_side.queries.views import OrderView, Page

_BATCH = 200
_MOST_REACHED = 1_000
"""Streams whose state is kept while all events are gone through."""
_WHO_SEE_ALL: tuple[Role, ...] = ("operator", "service", "auditor")
_STAFF = Viewer()


class AuditTrail:
    """Explains events. All methods may raise what the stores raise when they can't answer."""

    def __init__(self, events: EventStore, past: Past, documents: Documents) -> None:
        """Read these stores; `past` folds the streams."""
        self._events = events
        self._past = past
        self._documents = documents

    async def order_history(self, actor: Actor, order_id: str, wanted: PageWanted) -> Page[Entry]:
        """A page of what happened to an order, for its customer, operators and auditors.

        Raises:
            NotFound: there is no such order, or it is another customer's.
            InvalidCursor: the cursor is not one of this list.
        """
        stream = f"order-{order_id}"
        viewer = _STAFF
        if not actor.has(*_WHO_SEE_ALL):
            viewer = Viewer(actor.id)
            if actor.kind != "user" or await self._customer_of(order_id) != actor.id:
                raise _no_order(order_id)
        try:
            return await self.stream_page(stream, wanted, viewer)
        except NotFound:
            raise _no_order(order_id) from None

    async def stream_page(
        self, stream: str, wanted: PageWanted, viewer: Viewer = _STAFF
    ) -> Page[Entry]:
        """A page of what happened in a stream, the oldest first.

        Raises:
            NotFound: there is no such stream, or it is not shown to anybody.
            InvalidCursor: the cursor is not one of this list.
        """
        first = 0 if wanted.cursor is None else _version_in(stream, wanted.cursor)
        page: list[Happening] = []
        more = exists = False
        happenings = replay(self._events, self._past, stream, last=first + wanted.limit)
        async with aclosing(happenings):
            async for one in happenings:
                exists = True
                if len(page) == wanted.limit:
                    more = True
                elif one.recorded.version >= first:
                    page.append(one)
        if not exists:
            raise NotFound(f"There is no stream {stream}.")
        cursor = make_cursor(stream, (str(first + wanted.limit),)) if more else None
        return {"items": await self._entries(page, viewer), "next_cursor": cursor}

    async def stream_entries(self, stream: str) -> AsyncGenerator[Entry]:
        """All that happened in a stream, the oldest first; nothing if it does not exist."""
        batch: list[Happening] = []
        happenings = replay(self._events, self._past, stream)
        async with aclosing(happenings):
            async for one in happenings:
                batch.append(one)
                if len(batch) == _BATCH:
                    for entry in await self._entries(batch, _STAFF):
                        yield entry
                    batch = []
        for entry in await self._entries(batch, _STAFF):
            yield entry

    async def order_as_of(
        self,
        actor: Actor,
        order_id: str,
        *,
        version: int | None = None,
        as_of: datetime | None = None,
    ) -> OrderView:
        """An order as it was at a version, or at a business time: what replay to there gives.

        Raises:
            NotFound: there is no such order for this caller, or it was not there then.
            Unavailable: an event up to there can't be read by this software.
        """
        state: Document | None = None
        reached, lost = NO_VERSION, None
        happenings = replay(self._events, self._past, f"order-{order_id}", last=version)
        async with aclosing(happenings):
            async for one in happenings:
                if lost := one.lost:
                    break
                if as_of is not None and one.metadata and one.metadata.occurred_at > as_of:
                    break
                state, reached = one.after, one.recorded.version
        if lost is not None:
            if not actor.has(*_WHO_SEE_ALL):
                state = state or await self._as_shown(order_id)
                await order_for(self._documents, actor, order_id, state)
            raise Unavailable(f"The past can't be replayed: {lost}")
        shown = await order_for(self._documents, actor, order_id, state)
        if version is not None and reached < version:
            raise NotFound(
                f"Order {order_id} has not come to version {version}.", code="order-not-found"
            )
        return shown

    async def events(self, wanted: EventFilter, page: PageWanted) -> Page[Entry]:
        """A page of events, in the order they were recorded.

        Raises:
            InvalidCursor: the cursor is not one of this list.
        """
        after = None if page.cursor is None else _place_in(wanted, page.cursor)
        found = await find(self._documents, wanted.conditions(), limit=page.limit + 1, after=after)
        cursor = None
        if len(found) > page.limit:
            found = found[: page.limit]
            cursor = make_cursor(wanted, place_of(found[-1]))
        return {"items": await self._explained(found), "next_cursor": cursor}

    async def all_events(self, wanted: EventFilter) -> AsyncGenerator[list[Entry]]:
        """All events, a batch at a time, in the order they were recorded.

        A stream is replayed from where the batch before has left it, not from its beginning.
        """
        reached: dict[str, Reached] = {}
        after: Place | None = None
        while True:
            conditions = wanted.conditions()
            found = await find(self._documents, conditions, limit=_BATCH, after=after)
            yield await self._explained(found, reached)
            if len(found) < _BATCH:
                return
            after = place_of(found[-1])
            for stream in list(reached)[:-_MOST_REACHED]:
                del reached[stream]

    async def consequences(self, event_id: str) -> Consequences:
        """An event, what caused it, and all that followed from it, as a tree.

        Raises:
            NotFound: there is no such event, or it is not shown to anybody.
        """
        root = await self._indexed(event_id)
        explained = [] if root is None else await self._explained([root])
        if root is None or not explained:
            raise NotFound(f"There is no event {event_id}.")
        followed = await follow(self._documents, [event_id])
        [tree] = trees_of([*explained, *await self._explained(followed.events)])[:1]
        cause = await self._indexed(root["causation_id"])
        causes = [] if cause is None else await self._explained([cause])
        return {
            **tree,
            "cause": causes[0] if causes else None,
            "truncated": followed.truncated,
        }

    async def connections(self, entries: Sequence[Entry]) -> Forest:
        """The entries, under what caused each of them, and with all that followed from it."""
        known = {entry["event_id"] for entry in entries}
        followed = await follow(self._documents, known)
        known.update(one["event_id"] for one in followed.events)
        above = {entry["causation_id"] or "": None for entry in entries}
        causes = await self._documents.get_many(EVENT_LOG.name, [*(above.keys() - known)])
        shown = [
            cast("EventLogDocument", one) for one in causes.values() if is_shown(one["stream"])
        ]
        first = await self._explained(sorted(shown, key=place_of))
        trees = trees_of([*first, *entries, *await self._explained(followed.events)])
        return {"trees": trees, "truncated": followed.truncated}

    async def _indexed(self, event_id: str) -> EventLogDocument | None:
        indexed = await self._documents.get(EVENT_LOG.name, event_id)
        if indexed is None or not is_shown(indexed["stream"]):
            return None
        return cast("EventLogDocument", indexed)

    async def _explained(
        self, indexed: Sequence[EventLogDocument], reached: dict[str, Reached] | None = None
    ) -> list[Entry]:
        """What the index names, in its order, read from the event store; each stream once.

        What the store does not have (the index may be of another store) is left out. Streams go on
        after what was `reached` of them, which is brought up to date.
        """
        reached = {} if reached is None else reached
        wanted: dict[str, dict[int, str]] = {}
        for one in indexed:
            wanted.setdefault(one["stream"], {})[one["version"]] = one["event_id"]
        found: list[Happening] = []
        for stream, ids in wanted.items():
            after = reached.pop(stream, BEGINNING)
            if after.version >= min(ids):
                after = BEGINNING
            happenings = replay(self._events, self._past, stream, last=max(ids), after=after)
            async with aclosing(happenings):
                async for one in happenings:
                    if ids.get(one.recorded.version) == str(one.recorded.id):
                        found.append(one)
                    reached[stream] = Reached(one.recorded.version, one.after, one.lost)
        entries = {entry["event_id"]: entry for entry in await self._entries(found, _STAFF)}
        return [entries[one["event_id"]] for one in indexed if one["event_id"] in entries]

    async def _entries(self, happenings: Sequence[Happening], viewer: Viewer) -> list[Entry]:
        names = await names_in(self._documents, happenings)
        return [entry_of(one, names, viewer) for one in happenings]

    async def _customer_of(self, order_id: str) -> str | None:
        """Whose order it is, from its first event, or from what is shown if that can't be read."""
        order: Document | None = None
        happenings = replay(self._events, self._past, f"order-{order_id}", last=0)
        async with aclosing(happenings):
            async for one in happenings:
                order = await self._as_shown(order_id) if one.lost else one.after
        return order["customer_id"] if order else None

    async def _as_shown(self, order_id: str) -> Document | None:
        return await self._documents.get(ORDER_DETAILS.name, order_id)


def _no_order(order_id: str) -> NotFound:
    return NotFound(f"There is no order {order_id}.", code="order-not-found")


def _version_in(stream: str, cursor: str) -> int:
    (version,) = read_cursor(stream, cursor, 1)
    if not re.fullmatch("[0-9]{1,15}", version):
        raise InvalidCursor("the cursor was not made for this list")
    return int(version)


def _place_in(wanted: EventFilter, cursor: str) -> Place:
    recorded_at, store, position = read_cursor(wanted, cursor, 3)
    return recorded_at, store, position

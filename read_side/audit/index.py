"""The index of all published events: which of them are asked for, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from contracts.documents import EVENT_LOG, EventLogDocument
from read_side.audit.replay import is_shown
from read_side.port import AnyOf, Between, Condition, Documents, Search
from read_side.queries.times import stored_time

Place = tuple[str, str, str]
"""Recorded time, store, position: the order of events, also where stores are merged."""
_BATCH = 500


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events are wanted; None leaves a filter out."""

    correlation_id: str | None = None
    actor: str | None = None
    """Id of a user or service; `orderlog` is the system."""
    type: str | None = None
    recorded_from: datetime | None = None
    recorded_to: datetime | None = None
    """Exclusive."""

    def conditions(self) -> list[Condition]:
        """As the read store takes it."""
        exact = {
            "correlation_id": self.correlation_id,
            "actor_id": self.actor,
            "type": self.type,
        }
        found: list[Condition] = [
            AnyOf(field, (value,)) for field, value in exact.items() if value is not None
        ]
        if self.recorded_from is not None or self.recorded_to is not None:
            since = None if self.recorded_from is None else stored_time(self.recorded_from)
            until = None if self.recorded_to is None else stored_time(self.recorded_to)
            found.append(Between("recorded_at", since, until))
        return found


def place_of(indexed: EventLogDocument) -> Place:
    """Where the event stands in the order of all."""
    return indexed["recorded_at"], indexed["store"], indexed["position"]


async def find(
    documents: Documents,
    conditions: Sequence[Condition],
    *,
    limit: int,
    after: Place | None = None,
) -> list[EventLogDocument]:
    """At most `limit` events after a place, in order.

    The read store sorts by time only, and events of one commit share it: those of one time are
    put in order here, once all of them are there.

    Raises:
        ReadStoreUnavailable: the read store can't answer now.
    """
    wanted = list(conditions)
    if after is not None:
        wanted.append(Between("recorded_at", after[0]))
    found: list[EventLogDocument] = []
    cursor: str | None = None
    while True:
        page = await documents.search(
            EVENT_LOG.name,
            Search(tuple(wanted), sort="recorded_at", limit=max(limit, _BATCH), cursor=cursor),
        )
        read = [cast("EventLogDocument", document) for document in page.documents]
        found += [one for one in read if _is_wanted(one, after)]
        cursor = page.next_cursor
        if cursor is None or _whole(found, read[-1]["recorded_at"]) >= limit:
            break
    return sorted(found, key=place_of)[:limit]


def _is_wanted(indexed: EventLogDocument, after: Place | None) -> bool:
    return is_shown(indexed["stream"]) and (after is None or place_of(indexed) > after)


def _whole(found: Sequence[EventLogDocument], edge: str) -> int:
    """How many are of a time before the last one read, of which more may come."""
    return sum(1 for one in found if one["recorded_at"] < edge)

"""Streams split among processes that read the whole store side by side.

Names are split by how they end, because a server can select them by that: what others will read is
not even sent. Ids end evenly; where names do not, the shares are of unlike sizes and nothing else.
"""

from __future__ import annotations

import string
from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from event_store.port import EventStore, Page, Position

MOST = 16
"""Ids end in one of so many signs: more processes would have nothing to do."""
_RANKS = {
    sign: rank
    for signs in (string.digits + string.ascii_lowercase, string.digits + string.ascii_uppercase)
    for rank, sign in enumerate(signs)
}


@dataclass(frozen=True, slots=True)
class Share:
    """One of `of` shares; `number` counts from 0."""

    number: int
    of: int

    def holds(self, name: str) -> bool:
        """Whether this share has what is named so."""
        return _RANKS.get(name[-1:], 0) % self.of == self.number

    @property
    def pattern(self) -> str:
        """What the names' last sign matches, in .NET's regular expressions and Python's."""
        ours = "".join(sign for sign in _RANKS if self.holds(sign))
        if self.number:
            return f"[{ours}]"
        return f"(?:[{ours}]|[^{string.digits}{string.ascii_letters}])"


@runtime_checkable
class ReadsShares(Protocol):
    """An event store that can select the events of a share by itself."""

    async def read_share(
        self,
        share: Share,
        *,
        after: Position | None = None,
        categories: Collection[str] | None = None,
        limit: int = 500,
    ) -> Page:
        """As `EventStore.read_all`, of the share's streams alone."""
        ...


async def read_share(
    events: EventStore,
    share: Share,
    *,
    after: Position | None,
    categories: Collection[str] | None,
    limit: int,
) -> Page:
    """Read events of a share: those that the store selects, or those of `limit` events of all.

    Raises:
        InvalidPosition, EventStoreUnavailable.
    """
    if isinstance(events, ReadsShares):
        return await events.read_share(share, after=after, categories=categories, limit=limit)
    page = await events.read_all(after=after, categories=categories, limit=limit)
    ours = [event for event in page.events if share.holds(event.stream)]
    return Page(ours, page.position, page.at_end)

"""Event stores that can take another identity when their end is found to be lost."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from event_store.port import Position


@runtime_checkable
class RenewsIdentity(Protocol):
    """An event store whose positions will be given to other events once its end was lost."""

    async def renew_where_lost(self, identity: str, position: Position) -> bool:
        """Take another identity if the store no longer reaches a position read under this one.

        Returns:
            Whether it has another one now: positions read under the old one are void.

        Raises:
            InvalidPosition: it can't be a position of this store.
            EventStoreUnavailable, AppendOutcomeUnknown, EventStoreReadOnly: ask again later.
        """
        ...

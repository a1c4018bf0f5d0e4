"""Looking at a projection for all who wait for something in it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Generic, TypeVar

Seen = TypeVar("Seen")


class Looks(Generic[Seen]):
    """Looks once for all who ask meanwhile, one look at a time.

    So how much the stores are asked does not grow with the number of those who wait.
    """

    def __init__(self, look: Callable[[Collection[str]], Awaitable[Seen]]) -> None:
        """Look by this, which is given the keys of the documents that are asked for."""
        self._look = look
        self._next: tuple[set[str], asyncio.Task[Seen]] | None = None
        self._under_way: asyncio.Task[Seen] | None = None

    async def at(self, key: str | None) -> Seen:
        """What is seen by a look that begins after this was called; at this document too."""
        if self._next is None:
            keys = set[str]()
            looking = asyncio.create_task(self._look_after(self._under_way, keys))
            looking.add_done_callback(_nobody_may_be_left)
            self._next = keys, looking
        keys, looking = self._next
        if key is not None:
            keys.add(key)
        return await asyncio.shield(looking)

    async def _look_after(
        self, under_way: asyncio.Task[Seen] | None, keys: Collection[str]
    ) -> Seen:
        if under_way is not None:
            await asyncio.wait({under_way})
        self._under_way, self._next = asyncio.current_task(), None
        return await self._look(keys)


def _nobody_may_be_left(looking: asyncio.Task[Seen]) -> None:
    """An error that nobody waits for any more is none to be told of."""
    if not looking.cancelled():
        looking.exception()

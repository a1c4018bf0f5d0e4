"""Does many things at once, but not too many."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from write_side.kernel.turns import Turns


class Crew:
    """Tasks of which at most `size` run at a time; those of the same name in the order given.

    The first error of one ends all the others, and is raised where the block ends.
    """

    def __init__(self, size: int) -> None:
        self._group = asyncio.TaskGroup()
        self._slots = asyncio.Semaphore(size)
        self._turns = Turns()

    async def start(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Begin the work, as soon as fewer than `size` others are under way."""
        await self._slots.acquire()
        self._group.create_task(self._work(name, work))

    async def _work(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        try:
            async with self._turns.of(name):
                await work()
        finally:
            self._slots.release()

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            await self._group.__aexit__(kind, error, traceback)
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None

"""Tells subscriptions that there are new events: at once within this process, soon from others."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

POLL_INTERVAL = 0.05
"""Seconds until an event of another process is noticed."""


class HeadWatcher:
    """Knows the number of the last event and wakes who waits for a later one."""

    def __init__(
        self, read_head: Callable[[], Awaitable[int]], *, interval: float = POLL_INTERVAL
    ) -> None:
        """Look at the file every `interval` seconds while somebody waits."""
        self._read_head = read_head
        self._interval = interval
        self._head = 0
        self._looked_at = 0.0
        self._moved = asyncio.Event()

    def advance(self, head: int) -> None:
        """Learn of a commit."""
        if head > self._head:
            self._head = head
            self.wake()

    def wake(self) -> None:
        """Let everybody who waits look again."""
        self._moved.set()
        self._moved = asyncio.Event()

    async def wait_beyond(self, number: int) -> None:
        """Return when there are events after this number, or when `wake` was called."""
        while self._head <= number:
            moved = self._moved
            try:
                async with asyncio.timeout(self._interval):
                    await moved.wait()
            except TimeoutError:
                await self._look()
            else:
                return

    async def _look(self) -> None:
        # Subscriptions share one look.
        now = time.monotonic()
        if now - self._looked_at >= self._interval / 2:
            self._looked_at = now
            self.advance(await self._read_head())

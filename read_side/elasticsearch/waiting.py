"""Waiting for a write: of this process at once, of others by looking again in short turns."""

from __future__ import annotations

import asyncio
from contextlib import suppress

_TURN_SECONDS = 0.01
_LONGEST_TURN_SECONDS = 0.05


class Waiting:
    """The more wait, the longer are their turns: all of them look again after each."""

    def __init__(self) -> None:
        """Nobody waits yet."""
        self._written: dict[str, asyncio.Event] = {}
        self._number = 0

    async def wait(self, projection: str, seconds: float) -> None:
        """Return when this process wrote, and after a turn, or `seconds`, in any case."""
        written = self._written.setdefault(projection, asyncio.Event())
        self._number += 1
        turn = min(_TURN_SECONDS + self._number / 1000, _LONGEST_TURN_SECONDS, seconds)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(turn):
                    await written.wait()
        finally:
            self._number -= 1

    def tell(self, projection: str) -> None:
        """Wake all who wait."""
        written = self._written.pop(projection, None)
        if written is not None:
            written.set()

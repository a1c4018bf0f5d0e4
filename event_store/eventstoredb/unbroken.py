"""Calls that go on to their end when nobody waits for them any more.

gRPC leaves a call that sends messages half open when its caller is cancelled, as a task that
never ends; closing the connection would wait five seconds for each.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


class Unbroken:
    """Keeps cancellation away from calls."""

    def __init__(self) -> None:
        self._under_way: set[asyncio.Task[Any]] = set()

    async def result_of(self, call: Coroutine[Any, Any, Result]) -> Result:
        """Wait for a call; it does not end with the wait."""
        task = asyncio.create_task(call)
        self._under_way.add(task)
        task.add_done_callback(self._forget)
        return await asyncio.shield(task)

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            # Who still waits is told; where nobody does, there is nobody to tell.
            task.exception()

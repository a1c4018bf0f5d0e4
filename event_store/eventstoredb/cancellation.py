"""What the client library, and gRPC below it, make of a cancellation is not left to them."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from contextlib import contextmanager
from typing import Any, TypeVar

Result = TypeVar("Result")


@contextmanager
def passed_on() -> Generator[None]:
    """Raise a cancellation that comes meanwhile.

    The library turns it into an error of its own, or into the end of what it reads: then a task
    that was cancelled would go on, and with half an answer.
    """
    task = asyncio.current_task()
    before = 0 if task is None else task.cancelling()
    try:
        yield
    finally:
        if task is not None and task.cancelling() > before:
            raise asyncio.CancelledError


class Unbroken:
    """Calls that go on to their end when nobody waits for them any more.

    gRPC leaves a call that sends messages half open when its caller is cancelled, as a task that
    never ends; closing the connection would wait five seconds for each.
    """

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

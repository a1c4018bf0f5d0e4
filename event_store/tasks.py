"""Tasks that are no longer wanted."""

from __future__ import annotations

import asyncio
from typing import Any


async def stop(*tasks: asyncio.Future[Any]) -> None:
    """Cancel them, and return when they have ended, however that was."""
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled():
            # Whatever it failed with was raised where it was awaited, or comes again.
            task.exception()

"""Receives stock at most once for each key, however long ago that was."""

from __future__ import annotations

from contracts.commands.inventory import ReceiveStock
from contracts.errors import IdempotencyKeyReused
from event_store.port import EventStore
from write_side.kernel.aggregate import REMEMBERED_KEYS
from write_side.kernel.bus import CommandBus
from write_side.kernel.context import Answer, CommandContext


async def receive_once(
    bus: CommandBus, events: EventStore, command: ReceiveStock, context: CommandContext
) -> Answer | None:
    """Receive stock under the context's idempotency key; None if that key did it before.

    A stock item remembers its last keys only: one with a longer past has received long ago.
    """
    if await events.stream_version(f"stock-{command.sku}") >= REMEMBERED_KEYS:
        return None
    try:
        return await bus.handle(command, context)
    except IdempotencyKeyReused:
        return None

"""Runs the soft reservation and tells on stdout the position of each event it has handled."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from contracts.errors import Unavailable
from event_store.port import RecordedEvent
from event_store.subscriptions import SubscriptionRunner
from tests.support.commands import Shop
from tests.support.stores import open_store
from write_side.inventory.policies import SoftReservation


def soft_reservation(shop: Shop, handled: Any = None, batch: int = 5) -> SubscriptionRunner:
    """The policy on the shop's store; `handled` is told of each event after it."""
    policy = SoftReservation(shop.bus, shop.book, shop.layer)

    async def handle(recorded: RecordedEvent) -> None:
        await policy.handle(recorded)
        if handled is not None:
            handled(recorded)

    return SubscriptionRunner(
        policy.NAME,
        handle,
        shop.store,
        shop.store,
        categories=policy.CATEGORIES,
        retry_on=(Unavailable,),
        batch=batch,
        interval=0.05,
    )


async def main(address: str) -> None:
    """Reserve until killed."""

    def told(recorded: RecordedEvent) -> None:
        sys.stdout.write(f"{recorded.position}\n")
        sys.stdout.flush()

    await soft_reservation(Shop(await open_store(address)), told).run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))

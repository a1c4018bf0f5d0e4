"""Relays a store until killed; says when it leads and when it has stopped leading.

Usage: python -m tests.integration.kafka.relay_process STORE SERVERS PREFIX TAKEOVER
"""

from __future__ import annotations

import asyncio
import os
import sys

import uvloop

from event_store.kafka.relay import Relay
from event_store.kafka.topics import Topics
from tests.support.stores import opened


async def main(address: str, servers: str, prefix: str, takeover: str) -> None:
    async with opened(address) as store:
        relay = Relay(store, servers, Topics(prefix, 3), takeover=float(takeover))
        running = asyncio.create_task(relay.run())
        led = None
        while not running.done():
            if relay.active != led:
                led = relay.active
                os.write(1, b"leads\n" if led else b"does not lead\n")
            await asyncio.wait({running}, timeout=0.02)
        running.result()


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))

"""Runs policies on Kafka until SIGTERM; each effect is an event in the same event store.

Usage: python -m tests.integration.kafka.policy_process SERVERS PREFIX PARTITIONS FILE NAME

The policy appends to `effect-<id>` for each event of an order; the elected one to `secret-<id>`
for each event of an address, which is never published.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from uuid import NAMESPACE_OID, uuid5

from contracts.registry import id_of
from event_store.errors import WrongExpectedVersion
from event_store.kafka.admin import prepare
from event_store.kafka.faust_feed import FaustFeed
from event_store.kafka.feed_settings import FeedSettings
from event_store.kafka.partitioner import partition_number
from event_store.kafka.topics import Topics
from event_store.partitioned_policies import PartitionedPolicy
from event_store.policy_group import ElectedRunner, PolicyGroup
from event_store.port import NewEvent, RecordedEvent
from event_store.sqlite import SqliteEventStore
from event_store.subscriptions import SubscriptionRunner


def number_of(stream: str, of: int) -> int:
    return partition_number(id_of(stream).encode(), of)


class Effects:
    """Makes an event of each event, once: as commands do it, by ids that derive from the cause."""

    def __init__(self, store: SqliteEventStore, category: str, by: str) -> None:
        self._store = store
        self._category = category
        self._by = by

    async def __call__(self, recorded: RecordedEvent) -> None:
        stream = f"{self._category}-{id_of(recorded.stream)}"
        data = b'{"version":%d,"by":"%s"}' % (recorded.version, self._by.encode())
        effect = NewEvent(uuid5(NAMESPACE_OID, str(recorded.id)), "Done", data, b"{}")
        try:
            await self._store.append(stream, [effect], expected=recorded.version - 1)
        except WrongExpectedVersion:
            if await self._store.stream_version(stream) < recorded.version:
                raise


async def main(servers: str, prefix: str, partitions: int, file: Path, name: str) -> None:
    store = await SqliteEventStore.open(file)
    topics = await prepare(servers, Topics(prefix, partitions))
    effects = Effects(store, "effect", name)
    policy = PartitionedPolicy(
        "effects", effects, store, store, number_of, categories=["order"], interval=0.1
    )
    secrets = Effects(store, "secret", name)
    runner = SubscriptionRunner("secrets", secrets, store, store, categories=["email"])
    elected = ElectedRunner("secrets", runner.run, "order", lambda: policy.caught_up)
    group = PolicyGroup([policy], [elected])
    feed = FaustFeed(FeedSettings(servers, topics, f"{prefix}policies"), group)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await group.start()
    await feed.start()
    await stop.wait()
    await feed.stop()
    await group.stop()
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]), sys.argv[5]))

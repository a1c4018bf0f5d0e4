"""Topics of a benchmark's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from uuid import uuid4

from confluent_kafka.admin import AdminClient

from event_store.kafka.admin import QUIET, prepare
from event_store.kafka.topics import Topics


@asynccontextmanager
async def own_topics(servers: str, compression: str) -> AsyncGenerator[Topics]:
    """Empty topics, deleted at the end."""
    topics = Topics(f"benchmark-{uuid4().hex[:8]}-", compression=compression)
    try:
        yield await prepare(servers, topics)
    finally:
        client = AdminClient({"bootstrap.servers": servers, **QUIET})
        for deleted in client.delete_topics([*topics.of_events, topics.marks]).values():
            await asyncio.to_thread(deleted.result, 30)

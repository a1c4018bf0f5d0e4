"""A Kafka to measure on, and topics of a benchmark's own."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from uuid import uuid4

from confluent_kafka.admin import AdminClient

from event_store.kafka.admin import QUIET, prepare
from event_store.kafka.topics import Topics
from tests.services.kafka import KafkaServer


@contextmanager
def kafka() -> Generator[str]:
    """Bootstrap servers: those that `ORDERLOG_TEST_KAFKA` names, or of a broker made for this."""
    if given := os.environ.get("ORDERLOG_TEST_KAFKA"):
        yield given
        return
    with tempfile.TemporaryDirectory() as folder:
        server = KafkaServer(Path(folder))
        server.start()
        try:
            yield server.address
        finally:
            server.kill()


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

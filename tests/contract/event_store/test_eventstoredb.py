"""The EventStoreDB adapter keeps what every event store promises, on the development server."""

from __future__ import annotations

from pathlib import Path

import pytest

from event_store.dev_server.server import running_server
from event_store.eventstoredb import EventStoreDBStore
from tests.contract.event_store.append_contract import AppendContract
from tests.contract.event_store.idempotency_contract import IdempotencyContract
from tests.contract.event_store.read_contract import ReadAllContract, ReadStreamContract
from tests.contract.event_store.snapshot_contract import SnapshotContract
from tests.contract.event_store.subscribe_contract import SubscribeContract
from tests.contract.event_store.subscription_store_contract import SubscriptionStoreContract
from tests.contract.event_store.support import Capabilities


class EventStoreDBBackend:
    capabilities = Capabilities(passes_over_at_once=False)

    def __init__(self, port: int) -> None:
        self._uri = f"esdb://127.0.0.1:{port}?Tls=false"
        self._stores: list[EventStoreDBStore] = []

    async def open(self) -> EventStoreDBStore:
        store = await EventStoreDBStore.open(self._uri)
        self._stores.append(store)
        return store

    async def restart(self) -> EventStoreDBStore:
        await self.close()
        return await self.open()

    async def close(self) -> None:
        while self._stores:
            await self._stores.pop().close()


@pytest.fixture
async def backend(tmp_path: Path):
    async with running_server(tmp_path / "server") as server:
        backend = EventStoreDBBackend(server.port)
        yield backend
        await backend.close()


class TestEventStoreDBAppend(AppendContract):
    pass


class TestEventStoreDBIdempotency(IdempotencyContract):
    pass


class TestEventStoreDBReadStream(ReadStreamContract):
    pass


class TestEventStoreDBReadAll(ReadAllContract):
    pass


class TestEventStoreDBSubscribe(SubscribeContract):
    pass


class TestEventStoreDBSnapshots(SnapshotContract):
    pass


class TestEventStoreDBSubscriptionStore(SubscriptionStoreContract):
    pass

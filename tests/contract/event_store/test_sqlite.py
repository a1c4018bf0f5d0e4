"""The embedded event store enrols in every suite."""

from __future__ import annotations

from pathlib import Path

import pytest

from event_store.sqlite import SqliteEventStore
from tests.contract.event_store.append_contract import AppendContract
from tests.contract.event_store.idempotency_contract import IdempotencyContract
from tests.contract.event_store.read_contract import ReadAllContract, ReadStreamContract
from tests.contract.event_store.snapshot_contract import SnapshotContract
from tests.contract.event_store.subscribe_contract import SubscribeContract
from tests.contract.event_store.subscription_store_contract import SubscriptionStoreContract
from tests.contract.event_store.support import Capabilities


class SqliteBackend:
    capabilities = Capabilities()

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stores: list[SqliteEventStore] = []

    async def open(self) -> SqliteEventStore:
        store = await SqliteEventStore.open(self._path)
        self._stores.append(store)
        return store

    async def restart(self) -> SqliteEventStore:
        await self.close()
        return await self.open()

    async def close(self) -> None:
        while self._stores:
            await self._stores.pop().close()


@pytest.fixture
async def backend(tmp_path):
    backend = SqliteBackend(tmp_path / "events.db")
    yield backend
    await backend.close()


class TestSqliteAppend(AppendContract):
    pass


class TestSqliteIdempotency(IdempotencyContract):
    pass


class TestSqliteReadStream(ReadStreamContract):
    pass


class TestSqliteReadAll(ReadAllContract):
    pass


class TestSqliteSubscribe(SubscribeContract):
    pass


class TestSqliteSnapshots(SnapshotContract):
    pass


class TestSqliteSubscriptionStore(SubscriptionStoreContract):
    pass

"""Event stores of several contexts, read as one, keep what every event store promises."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.registry import CONTEXTS
from event_store.merged import MergedEventStore
from event_store.sqlite import SqliteEventStore
from tests.contract.event_store.append_contract import AppendContract
from tests.contract.event_store.idempotency_contract import IdempotencyContract
from tests.contract.event_store.read_contract import ReadAllContract, ReadStreamContract
from tests.contract.event_store.snapshot_contract import SnapshotContract
from tests.contract.event_store.subscribe_contract import SubscribeContract
from tests.contract.event_store.subscription_store_contract import SubscriptionStoreContract
from tests.contract.event_store.support import Capabilities


class MergedBackend:
    """Sales has a store of its own; the other contexts share one."""

    capabilities = Capabilities(composite_positions=True)

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stores: list[MergedEventStore] = []

    async def open(self) -> MergedEventStore:
        shared = await SqliteEventStore.open(self._folder / "shared.db")
        sales = await SqliteEventStore.open(self._folder / "sales.db")
        store = MergedEventStore({**dict.fromkeys(CONTEXTS, shared), "sales": sales})
        self._stores.append(store)
        return store

    async def restart(self) -> MergedEventStore:
        await self.close()
        return await self.open()

    async def close(self) -> None:
        while self._stores:
            await self._stores.pop().close()


@pytest.fixture
async def backend(tmp_path: Path):
    backend = MergedBackend(tmp_path)
    yield backend
    await backend.close()


class TestMergedAppend(AppendContract):
    pass


class TestMergedIdempotency(IdempotencyContract):
    pass


class TestMergedReadStream(ReadStreamContract):
    pass


class TestMergedReadAll(ReadAllContract):
    pass


class TestMergedSubscribe(SubscribeContract):
    pass


class TestMergedSnapshots(SnapshotContract):
    pass


class TestMergedSubscriptionStore(SubscriptionStoreContract):
    pass

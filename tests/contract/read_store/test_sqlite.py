"""The embedded read store enrols in every suite."""

from __future__ import annotations

from pathlib import Path

import pytest

from read_side.sqlite import SqliteReadStore
from tests.contract.read_store.generation_contract import GenerationContract, WaitContract
from tests.contract.read_store.paging_contract import CursorContract, PagingContract
from tests.contract.read_store.parking_contract import ParkingContract
from tests.contract.read_store.rebuild_contract import BulkContract, RebuildContract, ScanContract
from tests.contract.read_store.search_contract import SearchContract
from tests.contract.read_store.sums_contract import CountContract, SumsContract
from tests.contract.read_store.support import Capabilities
from tests.contract.read_store.text_contract import TextContract
from tests.contract.read_store.write_contract import CheckpointContract, WriteContract


class SqliteBackend:
    capabilities = Capabilities()

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stores: list[SqliteReadStore] = []

    async def open(self) -> SqliteReadStore:
        store = await SqliteReadStore.open(self._folder)
        self._stores.append(store)
        return store

    async def restart(self) -> SqliteReadStore:
        await self.close()
        return await self.open()

    async def close(self) -> None:
        while self._stores:
            await self._stores.pop().close()


@pytest.fixture
async def backend(tmp_path):
    backend = SqliteBackend(tmp_path / "read models")
    yield backend
    await backend.close()


class TestSqliteWrite(WriteContract):
    pass


class TestSqliteCheckpoint(CheckpointContract):
    pass


class TestSqliteGeneration(GenerationContract):
    pass


class TestSqliteWait(WaitContract):
    pass


class TestSqliteParking(ParkingContract):
    pass


class TestSqliteSearch(SearchContract):
    pass


class TestSqliteText(TextContract):
    pass


class TestSqlitePaging(PagingContract):
    pass


class TestSqliteCursor(CursorContract):
    pass


class TestSqliteCount(CountContract):
    pass


class TestSqliteSums(SumsContract):
    pass


class TestSqliteRebuild(RebuildContract):
    pass


class TestSqliteBulk(BulkContract):
    pass


class TestSqliteScan(ScanContract):
    pass

"""The read store on Elasticsearch enrols in every suite."""

from __future__ import annotations

import pytest

from read_side.elasticsearch import ElasticsearchReadStore
from tests.contract.read_store.generation_contract import GenerationContract, WaitContract
from tests.contract.read_store.paging_contract import CursorContract, PagingContract
from tests.contract.read_store.parking_contract import ParkingContract
from tests.contract.read_store.rebuild_contract import BulkContract, RebuildContract, ScanContract
from tests.contract.read_store.search_contract import SearchContract
from tests.contract.read_store.share_contract import ShareContract
from tests.contract.read_store.sums_contract import CountContract, SumsContract
from tests.contract.read_store.support import Capabilities
from tests.contract.read_store.text_contract import TextContract
from tests.contract.read_store.write_contract import CheckpointContract, WriteContract
from tests.support.elasticsearch import new_prefix, remove_all


class ElasticsearchBackend:
    capabilities = Capabilities(whole_batches=False)

    def __init__(self, url: str) -> None:
        self.url = url
        self.prefix = new_prefix()
        self._stores: list[ElasticsearchReadStore] = []

    async def open(self) -> ElasticsearchReadStore:
        store = await ElasticsearchReadStore.open(self.url, prefix=self.prefix)
        self._stores.append(store)
        return store

    async def restart(self) -> ElasticsearchReadStore:
        await self.close()
        return await self.open()

    async def close(self) -> None:
        while self._stores:
            await self._stores.pop().close()


@pytest.fixture
async def backend(elasticsearch: str):
    backend = ElasticsearchBackend(elasticsearch)
    yield backend
    await backend.close()
    await remove_all(backend.url, backend.prefix)


class TestElasticsearchWrite(WriteContract):
    pass


class TestElasticsearchCheckpoint(CheckpointContract):
    pass


class TestElasticsearchGeneration(GenerationContract):
    pass


class TestElasticsearchWait(WaitContract):
    pass


class TestElasticsearchParking(ParkingContract):
    pass


class TestElasticsearchSearch(SearchContract):
    pass


class TestElasticsearchText(TextContract):
    pass


class TestElasticsearchPaging(PagingContract):
    pass


class TestElasticsearchCursor(CursorContract):
    pass


class TestElasticsearchCount(CountContract):
    pass


class TestElasticsearchSums(SumsContract):
    pass


class TestElasticsearchRebuild(RebuildContract):
    pass


class TestElasticsearchBulk(BulkContract):
    pass


class TestElasticsearchScan(ScanContract):
    pass


class TestElasticsearchShare(ShareContract):
    pass

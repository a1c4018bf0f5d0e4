import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from api.query_api.app import QueryDependencies, create_query_app
from api.security.consistency import ConsistencyToken, ConsistencyTokens
from api.security.tokens import AccessTokens
from read_side.sqlite import SqliteReadStore
from tests.support.audit import put_event_log, trail
from tests.support.read_models import FakeProjections, FilledStore, Shop, fill_folder, shop

SECRET = b"not a secret: only for these tests"


@pytest.fixture(scope="session")
def made() -> Shop:
    return shop(60)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory, made: Shop) -> Path:
    folder = tmp_path_factory.mktemp("read-store")
    asyncio.run(fill_folder(folder, made))
    asyncio.run(put_event_log(folder))
    return folder


@pytest.fixture
async def filled(tmp_path: Path, folder: Path) -> AsyncIterator[FilledStore]:
    shutil.copytree(folder, tmp_path / "read-store")
    store = await SqliteReadStore.open(tmp_path / "read-store")
    yield FilledStore(store)
    await store.close()


@pytest.fixture
def projections() -> FakeProjections:
    return FakeProjections()


class Api:
    """The query API and those who call it."""

    def __init__(self, documents, projections) -> None:
        self.tokens = AccessTokens(SECRET)
        self.consistency = ConsistencyTokens(SECRET)
        self.app = create_query_app(
            QueryDependencies(
                documents, projections, trail(documents), self.tokens, self.consistency, 2.0
            )
        )
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app), base_url="http://test"
        )

    def headers(self, who: str | None, written: str | None = None) -> dict[str, str]:
        """Of an operator, an auditor, a user by id, or nobody; `written` is a stream."""
        headers = {}
        if who is not None:
            role = who if who in ("operator", "auditor") else "customer"
            headers["Authorization"] = f"Bearer {self.tokens.issue(who, (role,))[0]}"
        if written is not None:
            token = ConsistencyToken("store", written, 3, "0007")
            headers["Consistency-Token"] = self.consistency.encode(token)
        return headers

    async def get(self, path: str, who: str | None = "operator", written=None, **parameters):
        params = {name.rstrip("_"): value for name, value in parameters.items()}
        return await self.client.get(path, params=params, headers=self.headers(who, written))

    async def post(self, path: str, who: str | None = "operator", **options):
        return await self.client.post(path, headers=self.headers(who), **options)


@pytest.fixture
async def api(filled: FilledStore, projections: FakeProjections) -> AsyncIterator[Api]:
    api = Api(filled.store, projections)
    yield api
    await api.client.aclose()

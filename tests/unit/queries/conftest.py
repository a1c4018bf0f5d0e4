import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from read_side.sqlite import SqliteReadStore
from tests.support.read_models import FilledStore, Shop, fill_folder, shop


@pytest.fixture(scope="session")
def made() -> Shop:
    return shop()


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory, made: Shop) -> Path:
    folder = tmp_path_factory.mktemp("read-store")
    asyncio.run(fill_folder(folder, made))
    return folder


@pytest.fixture
async def filled(tmp_path: Path, folder: Path) -> AsyncIterator[FilledStore]:
    shutil.copytree(folder, tmp_path / "read-store")
    store = await SqliteReadStore.open(tmp_path / "read-store")
    yield FilledStore(store)
    await store.close()


@pytest.fixture
def documents(filled: FilledStore) -> SqliteReadStore:
    return filled.store

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from read_side.sqlite import SqliteReadStore
from tests.support.read_models import FilledStore, Shop, shop


@pytest.fixture
def made() -> Shop:
    return shop()


@pytest.fixture
async def filled(tmp_path: Path, made: Shop) -> AsyncIterator[FilledStore]:
    store = await SqliteReadStore.open(tmp_path)
    filled = FilledStore(store)
    await filled.activate_all()
    await filled.fill(made)
    yield filled
    await store.close()


@pytest.fixture
def documents(filled: FilledStore) -> SqliteReadStore:
    return filled.store

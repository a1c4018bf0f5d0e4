from __future__ import annotations

import pytest
from esdbclient import AsyncEventStoreDBClient

from tests.contract.event_store.support import unique, unique_category
from tests.contract.eventstoredb.raw import Raw
from tests.contract.eventstoredb.support import end_of_all
from tests.support.eventstoredb import REAL_SERVER, DevelopmentServer

OF_OWN_SERVERS = ["test_dev_*.py"]
"""Files that need a server of their own, or say how the development server is."""

collect_ignore_glob = OF_OWN_SERVERS if REAL_SERVER else []


@pytest.fixture(scope="session")
def uri(tmp_path_factory):
    """The server that the tests of a session share: each keeps to its own streams."""
    if REAL_SERVER:
        yield REAL_SERVER
        return
    server = DevelopmentServer(tmp_path_factory.mktemp("eventstoredb"))
    server.start()
    yield server.uri
    server.stop()


@pytest.fixture
async def client(uri):
    async with AsyncEventStoreDBClient(uri) as client:
        await client.connect()
        yield client


@pytest.fixture
def raw(client):
    return Raw(client)


@pytest.fixture
async def start(client):
    """The end of all when the test began: others may have written before."""
    return await end_of_all(client)


@pytest.fixture
def stream():
    """A stream that no other test uses."""
    return unique()


@pytest.fixture
def category():
    """A category that no other test uses."""
    return unique_category()


@pytest.fixture
def server(tmp_path):
    """A development server of the test's own, which may be killed and started again."""
    server = DevelopmentServer(tmp_path / "server")
    server.start()
    yield server
    server.kill()

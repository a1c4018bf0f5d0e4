"""The API document describes what is answered, whatever is asked."""

import asyncio
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from read_side.sqlite import SqliteReadStore
from tests.integration.query_api.conftest import Api
from tests.support.read_models import FakeProjections

# Not every string is a cursor, an amount of that currency, or a token of ours.
NOT_PROMISED = [positive_data_acceptance]


class Server:
    """The query API on a port of its own, in a thread with its own event loop."""

    def __init__(self, folder: Path) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.api: Api
        self._folder = folder
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    async def _serve(self) -> None:
        store = await SqliteReadStore.open(self._folder)
        self.api = Api(store, FakeProjections())
        self._server = uvicorn.Server(uvicorn.Config(self.api.app, log_level="error"))
        self._ready.set()
        await self._server.serve([self.socket])
        await self.api.client.aclose()
        await store.close()

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(30)
        self.socket.close()


@pytest.fixture(scope="module")
def server(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    copy = tmp_path_factory.mktemp("served") / "read-store"
    shutil.copytree(folder, copy)
    with Server(copy) as server:
        yield server


DOCUMENT = Api(None, FakeProjections()).app.openapi()
asked = schemathesis.openapi.from_dict(DOCUMENT)


@asked.parametrize()
@settings(max_examples=8, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
def test_answer_when_anything_is_asked_then_as_documented(case, server):
    host, port = server.socket.getsockname()
    case.call_and_validate(
        base_url=f"http://{host}:{port}",
        headers=server.api.headers("operator"),
        excluded_checks=NOT_PROMISED,
    )


def test_document_when_made_then_every_answer_has_an_example():
    for path, operations in DOCUMENT["paths"].items():
        if path.startswith("/health"):
            continue
        for operation in operations.values():
            assert operation["summary"]
            assert {"400", "401", "422", "503"} <= set(operation["responses"]), path
            for status, response in operation["responses"].items():
                for content in response["content"].values():
                    assert "example" in content, (path, status)

"""A shop with a history in a SQLite file, and an EventStoreDB to move it to."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from api.cli.migrate import Move
from bootstrap.background import running
from bootstrap.container import Container
from bootstrap.migration import migrate
from bootstrap.settings import Settings
from event_store.dev_server.server import running_server
from event_store.eventstoredb import EventStoreDBStore
from event_store.sqlite import SqliteEventStore
from tests.contract.event_store.support import page_through
from tests.support.cli import ROOT, CommandLine


@contextmanager
def unseen(_step: str, _total: int | None) -> Generator[Callable[[int], None]]:
    """Shows nothing."""
    yield lambda _done: None


class Installation:
    """A data folder, and the events of another store if a URI says so."""

    def __init__(self, data: Path, uri: str | None = None) -> None:
        self.data = data
        self.uri = uri
        self.file = data / "events.db"
        self.settings = Settings(_env_file=None, data=data, event_store=uri)

    def on(self, uri: str) -> Installation:
        """The same folder with its events there."""
        return Installation(self.data, uri)

    async def migrate(self, to: object, watch: Any = unseen) -> Move:
        return await migrate(self.settings, str(to), watch)

    def rows(self, columns: str = "*") -> list[Any]:
        """The events as the file has them."""
        with closing(sqlite3.connect(self.file)) as connection:
            query = f"SELECT {columns} FROM events ORDER BY position"
            return connection.execute(query).fetchall()

    @asynccontextmanager
    async def events(self) -> AsyncGenerator[SqliteEventStore | EventStoreDBStore]:
        """The event store, opened beside."""
        if self.uri is None:
            store = await SqliteEventStore.open(self.file)
        else:
            store = await EventStoreDBStore.open(self.uri)
        try:
            yield store
        finally:
            await store.close()


async def caught_up(container: Container) -> None:
    """Let projections and policies handle everything there is."""
    async with running(container) as background:
        await background.projections.ready()
        for policy, runner in zip(container.policies, background.policies, strict=True):
            concerned = await page_through(
                container.events, after=None, limit=2_000, categories=policy.CATEGORIES
            )
            if concerned:
                await runner.wait_until(concerned[-1].position, timeout=30)


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the made-up history, as a server left it."""
    orderlog = CommandLine(tmp_path_factory.mktemp("served") / "data")
    orderlog.json("import", ROOT / "tests" / "data" / "history")
    orderlog.inside(caught_up)
    return orderlog.data


@pytest.fixture
def shop(served: Path, tmp_path: Path) -> Installation:
    """A copy of it to be moved."""
    return Installation(Path(shutil.copytree(served, tmp_path / "data")))


@pytest.fixture
async def uri(tmp_path: Path) -> AsyncGenerator[str]:
    """An EventStoreDB with nothing in it."""
    async with running_server(tmp_path / "server" / "events.db") as server:
        yield f"esdb://127.0.0.1:{server.port}?Tls=false"


@pytest.fixture
def other(tmp_path: Path) -> Installation:
    """An empty folder."""
    folder = tmp_path / "other"
    folder.mkdir()
    return Installation(folder)

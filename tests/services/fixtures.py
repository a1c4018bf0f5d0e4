"""Fixtures `kafka` and `elasticsearch`: addresses of real servers, started once a session.

`ORDERLOG_TEST_KAFKA` and `ORDERLOG_TEST_ELASTICSEARCH` name servers to be used instead. Where one
cannot run, its tests are skipped with the reason, and fail where `CI=true`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.services.elasticsearch import ElasticsearchServer, home
from tests.services.java import Missing
from tests.services.kafka import KafkaServer, jars
from tests.services.server import Server

KINDS: dict[str, type[Server]] = {"kafka": KafkaServer, "elasticsearch": ElasticsearchServer}
_FETCH: dict[str, Callable[[], Path]] = {"kafka": jars, "elasticsearch": home}


class Services:
    """The servers of one session, each started when it is first asked for."""

    def __init__(self, make_folder: Callable[[str], Path]) -> None:
        """Start nothing yet."""
        self._make_folder = make_folder
        self._starting = ThreadPoolExecutor(len(KINDS))
        self._started: dict[str, Future[None]] = {}
        self._servers: dict[str, Server] = {}

    def begin(self, name: str) -> None:
        """Start this server, and do not wait for it."""
        if name not in self._started and not _given(name):
            server = KINDS[name](self._make_folder(name))
            self._servers[name] = server
            self._started[name] = self._starting.submit(server.start)

    def address(self, name: str) -> str:
        """The server's address, when it answers.

        Raises:
            Missing: this machine lacks something.
        """
        if given := _given(name):
            return given
        self.begin(name)
        self._started[name].result()
        return self._servers[name].address

    def end(self) -> None:
        """End all of them; nobody wants their data."""
        for server in self._servers.values():
            server.abandon()
        self._starting.shutdown()
        for server in self._servers.values():
            shutil.rmtree(server.folder / "data", ignore_errors=True)


_SERVICES = pytest.StashKey[Services]()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Start what these tests will ask for, side by side, before the first of them does."""
    if session.config.option.collectonly:
        return
    asked = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    for name in KINDS:
        shared = name in asked and not _given(name)
        if shared or f"{name}_server" in asked:
            _fetch_before_any_test(name)
        if shared:
            _services(session.config).begin(name)


@pytest.fixture(scope="session")
def kafka(pytestconfig: pytest.Config) -> str:
    """Bootstrap servers of a running Kafka."""
    return _address(pytestconfig, "kafka")


@pytest.fixture(scope="session")
def elasticsearch(pytestconfig: pytest.Config) -> str:
    """URL of a running Elasticsearch."""
    return _address(pytestconfig, "elasticsearch")


@pytest.fixture
def kafka_server(tmp_path: Path) -> Iterator[Server]:
    """A running Kafka of the test's own, to be stopped, killed and started again."""
    yield from _own("kafka", tmp_path)


@pytest.fixture
def elasticsearch_server(tmp_path: Path) -> Iterator[Server]:
    """A running Elasticsearch of the test's own, to be stopped, killed and started again."""
    yield from _own("elasticsearch", tmp_path)


def _given(name: str) -> str | None:
    return os.environ.get(f"ORDERLOG_TEST_{name.upper()}")


def _fetch_before_any_test(name: str) -> None:
    """No test's time is spent on it; what is missing is told by the tests that miss it."""
    try:
        _FETCH[name]()
    except Missing:
        return


def _services(config: pytest.Config) -> Services:
    if _SERVICES not in config.stash:
        folders = config._tmp_path_factory  # What `tmp_path_factory` gives to fixtures.
        services = Services(folders.mktemp)
        config.stash[_SERVICES] = services
        config.add_cleanup(services.end)
    return config.stash[_SERVICES]


def _address(config: pytest.Config, name: str) -> str:
    try:
        return _services(config).address(name)
    except Missing as reason:
        return _without(reason)


def _own(name: str, folder: Path) -> Iterator[Server]:
    server = KINDS[name](folder / name)
    try:
        server.start()
    except Missing as reason:
        _without(reason)
    try:
        yield server
    finally:
        server.kill()


def _without(reason: Missing) -> str:
    if os.environ.get("CI") == "true":
        pytest.fail(str(reason), pytrace=False)
    pytest.skip(str(reason))

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.event_store_server import TOPOLOGIES
from tests.end_to_end.services import Servers, Shared
from tests.end_to_end.system import System, running


@pytest.fixture(scope="session", params=TOPOLOGIES)
def topology(request: pytest.FixtureRequest) -> str:
    """Where the events are, and what runs; every scenario that starts a system runs on each."""
    if request.param == "services":
        fixtures = (request.getfixturevalue(name) for name in ("kafka", "elasticsearch"))
        Shared.servers = Servers(*fixtures)
    return request.param


@pytest.fixture
def system(tmp_path: Path, topology: str) -> Iterator[System]:
    """A started system of its own."""
    with running(tmp_path / "system", topology) as system:
        yield system

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.audit.world import World, opened
from tests.support.stores import KINDS, place


@pytest.fixture(params=KINDS)
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    async with place(request.param, tmp_path) as address:
        elsewhere = {"event_store": address} if address.startswith("esdb:") else {}
        async with opened(tmp_path / "data", **elsewhere) as world:
            yield world

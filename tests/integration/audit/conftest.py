from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from contracts.registry import CONTEXTS
from tests.integration.audit.world import World, opened
from tests.support.stores import KINDS, place

BY_CONTEXT = {f"{context}_event_store": "sqlite" for context in CONTEXTS}


@pytest.fixture(params=(*KINDS, "a file for each context"))
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    if request.param not in KINDS:
        async with opened(tmp_path / "data", **BY_CONTEXT) as world:
            yield world
        return
    async with place(request.param, tmp_path) as address:
        elsewhere = {"event_store": address} if address.startswith("esdb:") else {}
        async with opened(tmp_path / "data", **elsewhere) as world:
            yield world

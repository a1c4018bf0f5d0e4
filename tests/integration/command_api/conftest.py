from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from api.command_api.app import create_command_app
from tests.support.http import FakeBus, bearer, client, command_dependencies


@pytest.fixture
def bus() -> FakeBus:
    return FakeBus()


@pytest.fixture
async def operator(bus: FakeBus) -> AsyncIterator[httpx.AsyncClient]:
    app = create_command_app(command_dependencies(bus))
    async with client(app, token=bearer("0e0e", "operator")) as caller:
        yield caller

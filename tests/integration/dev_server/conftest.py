from __future__ import annotations

import grpc
import pytest

from event_store.dev_server.server import running_server


@pytest.fixture
async def server(tmp_path):
    async with running_server(tmp_path / "events.db") as server:
        yield server


@pytest.fixture
async def channel(server):
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield channel

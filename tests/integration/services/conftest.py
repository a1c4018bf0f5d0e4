"""A service within the test: its front is called as a server would call it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest

from bootstrap.front import Front
from bootstrap.secrets_folder import make_secrets
from bootstrap.settings import Settings
from tests.support.eventstoredb import free_port

Running = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]
SECONDS = 60.0


@pytest.fixture
def port() -> int:
    """Where the event store is, once it runs."""
    return free_port()


@pytest.fixture
def settings(tmp_path: Path, port: int) -> Settings:
    """Of services whose event store is on that port; their secrets are made."""
    settings = Settings(
        _env_file=None,
        data=tmp_path / "data",
        secrets=tmp_path / "secrets",
        event_store=f"esdb://127.0.0.1:{port}?Tls=false",
    )
    make_secrets(settings, tmp_path / "secrets")
    return settings


@asynccontextmanager
async def running(work, settings: Settings, **headers: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the service, which runs meanwhile."""
    front = Front("tested")
    task = asyncio.create_task(work(settings, front))
    transport = httpx.ASGITransport(app=front)
    try:
        async with httpx.AsyncClient(
            transport=transport, base_url="http://service", headers=headers
        ) as client:
            yield client
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until_ready(client: httpx.AsyncClient, **expected: str) -> dict[str, str]:
    """Wait until the service is ready, and its checks say this; all that they say."""
    async with asyncio.timeout(SECONDS):
        while True:
            answer = await client.get("/health/ready")
            checks = answer.json()["checks"]
            if answer.status_code == 200 and checks.items() >= expected.items():
                return checks
            await asyncio.sleep(0.02)

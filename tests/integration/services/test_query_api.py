"""The query API on its own answers from the read store, whatever else is there or not."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from uuid import uuid4

import pytest

from bootstrap import services, waiting
from bootstrap.services import query_api
from bootstrap.settings import secret_of
from event_store.dev_server.server import running_server
from read_side.port import ReadStoreUnavailable
from read_side.sqlite import SqliteReadStore
from tests.integration.services.conftest import running, until_ready
from tests.support.http import bearer
from tests.support.read_models import fill_folder, shop

MANY = 30


@pytest.fixture(autouse=True)
async def _read_models(monkeypatch, tmp_path: Path):
    """Files in place of Elasticsearch; what they hold was projected from another event store."""
    await fill_folder(tmp_path / "read-models", shop(10))
    monkeypatch.setattr(waiting, "LONGEST_DELAY", 0.1)

    async def opened(_settings):
        return await SqliteReadStore.open(tmp_path / "read-models")

    monkeypatch.setattr(services, "open_read_store", opened)


def operator(settings) -> str:
    return f"Bearer {bearer(str(uuid4()), 'operator', secret=secret_of(settings, 'jwt'))}"


async def test_started_without_the_event_store_then_it_answers_and_says_stale(
    settings, port, tmp_path
):
    async with running(query_api, settings, authorization=operator(settings)) as client:
        checks = await until_ready(client)
        assert checks["event_store"].startswith("not reached")
        began = time.monotonic()
        answers = await asyncio.gather(*(client.get("/api/orders") for _ in range(MANY)))
        assert time.monotonic() - began < 5
        assert {it.status_code for it in answers} == {200}
        assert all(it.json()["items"] for it in answers)
        assert all(it.headers["read-model"].startswith("stale") for it in answers)
        audit = await client.get("/api/audit/events")
        assert audit.status_code in (200, 503)
        history = await client.get(f"/api/orders/{answers[0].json()['items'][0]['id']}/history")
        assert history.status_code == 503
        async with running_server(tmp_path / "server.db", port=port):
            await until_ready(client, event_store="ok")
        gone = await client.get("/api/orders")
        assert gone.status_code == 200
        assert gone.headers["read-model"].startswith("stale")


async def test_when_the_read_store_does_not_answer_then_not_ready(settings, monkeypatch):
    async def broken(*_):
        raise ReadStoreUnavailable("no answer")

    async with running(query_api, settings) as client:
        await until_ready(client)
        monkeypatch.setattr(SqliteReadStore, "generations", broken)
        answer = await client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["checks"]["projections"] == "ReadStoreUnavailable"

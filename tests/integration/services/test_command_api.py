"""The command API on its own: it waits for its event store, and is one of several."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from api.cli.application import CannotOpen
from bootstrap import waiting
from bootstrap.front import Front
from bootstrap.secrets_folder import make_secrets
from bootstrap.services import command_api
from bootstrap.settings import Settings, secret_of
from event_store.dev_server.server import running_server
from tests.integration.services.conftest import running, until_ready
from tests.support.http import bearer

TEA = {"name": "Tea", "description": "", "price": {"amount": "12.50", "currency": "EUR"}}


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(waiting, "LONGEST_DELAY", 0.1)


def operator(settings) -> str:
    return f"Bearer {bearer(str(uuid4()), 'operator', secret=secret_of(settings, 'jwt'))}"


async def test_started_before_the_event_store_then_it_waits_and_says_so(settings, port, tmp_path):
    async with running(command_api, settings, authorization=operator(settings)) as client:
        await asyncio.sleep(0)
        live = await client.get("/health/live")
        ready = await client.get("/health/ready")
        refused = await client.post("/api/products", json=TEA)
        assert live.status_code == 200
        assert ready.status_code == 503
        assert set(ready.json()["checks"]) == {"started"}
        assert refused.status_code == 503
        assert refused.headers["retry-after"] == "2"
        assert refused.json()["correlation_id"] == refused.headers["x-correlation-id"]
        async with running_server(tmp_path / "server.db", port=port):
            assert await until_ready(client) == {"event_store": "ok"}
            made = await client.post("/api/products", json=TEA)
            assert made.status_code == 201, made.text
            queried = await client.get(f"/api/products/{made.json()['id']}")
            assert queried.status_code in (404, 405)


async def test_two_side_by_side_take_commands_for_the_same_aggregate(settings, port, tmp_path):
    headers = {"authorization": operator(settings)}
    async with (
        running_server(tmp_path / "server.db", port=port),
        running(command_api, settings, **headers) as one,
        running(command_api, settings, **headers) as other,
    ):
        await until_ready(one)
        await until_ready(other)
        product = (await one.post("/api/products", json=TEA)).json()["id"]
        price = {"price": {"amount": "11.00", "currency": "EUR"}}
        answers = await asyncio.gather(
            *(
                client.post(f"/api/products/{product}/price", json=price, headers=key)
                for client, key in ((one, {"idempotency-key": "a"}), (other, {}))
                for _ in range(3)
            )
        )
        assert {it.status_code for it in answers} == {200}


async def test_secrets_are_given_and_nothing_is_written_beside_them(settings, port, tmp_path):
    before = {it.name: it.read_bytes() for it in settings.secrets.iterdir()}
    async with running_server(tmp_path / "server.db", port=port):
        async with running(command_api, settings) as client:
            await until_ready(client)
        lost = settings.secrets / "addresses"
        lost.unlink()
        with pytest.raises(CannotOpen, match="orderlog secrets make"):
            await command_api(settings, Front("tested"))
        assert not lost.exists()
    after = {it.name: it.read_bytes() for it in settings.secrets.iterdir()}
    assert after == {name: it for name, it in before.items() if name != "addresses"}


async def test_a_setting_that_no_waiting_helps_ends_it(settings, tmp_path):
    wrong = Settings(
        _env_file=None,
        data=tmp_path / "data",
        secrets=settings.secrets,
        event_store="esdb://127.0.0.1:1?Tls=false&NodePreference=nobody",
    )
    with pytest.raises(CannotOpen, match="ORDERLOG_EVENT_STORE"):
        await asyncio.wait_for(command_api(wrong, Front("tested")), 10)


async def test_secrets_of_another_shop_are_refused_before_anything_is_recorded(
    settings, port, tmp_path
):
    async with running_server(tmp_path / "server.db", port=port):
        async with running(command_api, settings, authorization=operator(settings)) as client:
            await until_ready(client)
            made = await client.post("/api/products", json=TEA)
            assert made.status_code == 201
        other = settings.model_copy(update={"secrets": tmp_path / "other"})
        make_secrets(other, tmp_path / "other")
        with pytest.raises(CannotOpen, match="secrets of another shop"):
            await command_api(other, Front("tested"))
        async with running(command_api, settings) as client:
            await until_ready(client)


async def test_a_folder_that_can_not_be_used_is_not_waited_for(settings, port, tmp_path):
    (tmp_path / "file").write_text("")
    wrong = settings.model_copy(update={"data": tmp_path / "file" / "data"})
    async with running_server(tmp_path / "server.db", port=port):
        with pytest.raises(CannotOpen, match="can't be used"):
            await command_api(wrong, Front("tested"))

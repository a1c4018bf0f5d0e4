"""All services on real servers: commands become answers, and the doctor knows how they are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest
import structlog
from confluent_kafka.admin import AdminClient

from bootstrap import services, workers
from bootstrap.background import running as in_background
from bootstrap.container import open_container
from bootstrap.doctor import examine
from bootstrap.doctor import kafka as doctor_kafka
from bootstrap.settings import Settings, secret_of
from bootstrap.web import whole_app
from event_store.dev_server.server import running_server
from tests.integration.services.conftest import SECONDS, running, until_ready
from tests.support.http import ADDRESS, bearer

TEA = {"name": "Tea", "description": "", "price": {"amount": "12.50", "currency": "EUR"}}


@dataclass
class Shop:
    """A shop of services."""

    settings: Settings
    commands: httpx.AsyncClient
    queries: httpx.AsyncClient
    projector: httpx.AsyncClient

    async def add_product(self) -> tuple[str, str]:
        """Id of a new product, and the consistency token."""
        made = await self.commands.post("/api/products", json=TEA)
        assert made.status_code == 201, made.text
        return made.json()["id"], made.headers["consistency-token"]

    async def examined(self):
        return {it.check: it for it in await examine(self.settings)}


@pytest.fixture
async def shop(settings, port, kafka, elasticsearch, tmp_path) -> AsyncIterator[Shop]:
    prefix = f"services-{uuid4().hex[:12]}"
    more = {
        "kafka": kafka,
        "read_store": elasticsearch,
        "index_prefix": prefix,
        "topic_prefix": f"{prefix}-",
        "topic_partitions": 2,
        "topic_compression": "gzip",
        "consistency_wait_seconds": 20.0,
    }
    given = Settings(_env_file=None, **{**settings.model_dump(exclude_unset=True), **more})
    token = bearer(str(uuid4()), "operator", secret=secret_of(given, "jwt"))
    headers = {"authorization": f"Bearer {token}"}
    async with AsyncExitStack() as stack:
        stack.push_async_callback(_clean, given, elasticsearch)
        await stack.enter_async_context(running_server(tmp_path / "server.db", port=port))
        clients = [
            await stack.enter_async_context(running(work, given, **headers))
            for work in (services.command_api, services.query_api, workers.projector)
        ]
        with structlog.testing.capture_logs() as logged:
            yield Shop(given, *clients)
        assert [it for it in logged if it["log_level"] == "error"] == []


async def _clean(settings: Settings, url: str) -> None:
    await _clean_indices(settings.index_prefix, url)
    admin = AdminClient({"bootstrap.servers": settings.kafka, "log_level": 0})
    names = admin.list_topics(timeout=10).topics
    mine = [name for name in names if name.startswith(settings.topic_prefix)]
    for done in admin.delete_topics(mine).values() if mine else ():
        done.result(30)


async def _clean_indices(prefix: str, url: str) -> None:
    async with httpx.AsyncClient(base_url=url) as client:
        for pattern in (f"{prefix}-*", f"{prefix}.*"):
            found = await client.get(f"/_cat/indices/{pattern}", params={"format": "json"})
            for index in found.json():
                await client.delete(f"/{index['index']}")


async def test_commands_become_answers_and_the_doctor_knows_how_they_are(shop, monkeypatch):
    async with running(workers.relay, shop.settings) as relay:
        assert (await until_ready(relay)) == {"relay": "ok", "event_store": "ok"}
        checks = await until_ready(shop.projector)
        assert checks["kafka"] == "ok: 8 partitions are owned"
        await until_ready(shop.commands)
        await until_ready(shop.queries, event_store="ok")
        product, written = await shop.add_product()
        shown = await shop.queries.get(
            f"/api/products/{product}", headers={"consistency-token": written}
        )
        assert (shown.status_code, shown.headers["read-model"]) == (200, "fresh")
        projections = await shop.queries.get("/api/projections")
        [catalogue] = [
            it for it in projections.json()["items"] if it["name"] == "product_catalogue"
        ]
        assert catalogue["partitions"].keys() == {"product/0/2", "product/1/2"}
        found = await shop.examined()
        assert {it.status for it in found.values()} == {"ok"}, found
        assert "2 partitions" in found["topics"].found
        assert {"relay", "relay lag", "read store", "bulk rejections"} <= found.keys()

    monkeypatch.setattr(doctor_kafka, "_SILENT_SECONDS", 0.0)
    _, written = await shop.add_product()
    found = await shop.examined()
    assert found["relay"].status == "failed"
    assert "orderlog serve relay" in found["relay"].advice
    assert found["relay lag"].found.endswith("is not published yet")
    shown = await shop.queries.get(f"/api/products/{product}")
    assert shown.status_code == 200


async def test_before_any_relay_has_run_the_doctor_says_so(shop):
    await until_ready(shop.projector)
    found = await shop.examined()
    assert found["relay"].found == "none has ever published"
    assert found["topics"].status == "ok"
    other = shop.settings.model_copy(update={"topic_prefix": "nobody-", "topic_partitions": 5})
    found = {it.check: it for it in await examine(other)}
    assert found["topics"].status == "failed"
    assert "nobody-relay-marks" in found["topics"].found


async def test_one_process_may_have_its_documents_there_too(elasticsearch, tmp_path):
    settings = Settings(
        _env_file=None,
        data=tmp_path / "data",
        read_store=elasticsearch,
        index_prefix=f"services-{uuid4().hex[:12]}",
        consistency_wait_seconds=20.0,
    )
    try:
        async with open_container(settings) as container, in_background(container) as background:
            await background.projections.ready()
            token = container.token(str(uuid4()), ("operator",), timedelta(minutes=5))
            headers = {"authorization": f"Bearer {token}"}
            transport = httpx.ASGITransport(whole_app(container))
            async with httpx.AsyncClient(
                transport=transport, base_url="http://one", headers=headers
            ) as client:
                made = await client.post("/api/products", json=TEA)
                written = {"consistency-token": made.headers["consistency-token"]}
                found = await client.get("/api/products", params={"q": "tea"}, headers=written)
                assert found.headers["read-model"] == "fresh"
                assert [it["id"] for it in found.json()["items"]] == [made.json()["id"]]
                assert (await client.get("/health/ready")).status_code == 200
        assert {it.status for it in await examine(settings)} == {"ok"}
        assert not (settings.data / "read-models").exists()
    finally:
        await _clean_indices(settings.index_prefix, elasticsearch)


async def test_policies_answer_events_with_commands(shop):
    async with (
        running(workers.relay, shop.settings),
        running(workers.process_manager, shop.settings) as policies,
    ):
        checks = await until_ready(policies, policies="ok: email-claims runs here")
        assert checks["kafka"] == "ok: 8 partitions are owned"
        await until_ready(shop.commands)
        await until_ready(shop.queries)
        product, _ = await shop.add_product()
        await shop.commands.put(f"/api/products/{product}/sku", json={"sku": "TEA"})
        stock = {"quantity": 5, "location": "main"}
        await shop.commands.post("/api/stock/TEA/receipts", json=stock)
        person = {"name": "Ada", "email": "ada@example.com", "password": "tea and engines"}
        customer = (await shop.commands.post("/api/users", json=person)).json()["id"]
        order = {
            "customer_id": customer,
            "items": [{"product_id": product, "quantity": 2}],
            "shipping_address": ADDRESS,
        }
        made = await shop.commands.post("/api/orders", json=order)
        assert made.status_code == 201, made.text
        confirmed = await shop.commands.post(f"/api/orders/{made.json()['id']}/confirm", json={})
        assert confirmed.status_code == 200, confirmed.text
        async with asyncio.timeout(SECONDS):
            while not (await shop.queries.get("/api/stock/TEA")).json().get("reserved"):  # noqa: ASYNC110
                await asyncio.sleep(0.05)  # What another process brings about tells nobody here.
        item = (await shop.queries.get("/api/stock/TEA")).json()
        assert (item["on_hand"], item["reserved"], item["available"]) == (5, 2, 3)

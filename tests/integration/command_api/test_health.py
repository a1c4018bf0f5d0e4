from __future__ import annotations

import asyncio

import structlog

from api.http import health
from api.http.app import create_app
from api.security.tokens import AccessTokens
from tests.support.http import SECRET, client


async def well() -> None:
    return None


async def broken() -> None:
    raise OSError("disk /secret/place is gone")


async def ready(**checks: health.Check):
    app = create_app("probe", [], AccessTokens(SECRET), readiness=checks)
    with structlog.testing.capture_logs():
        async with client(app) as caller:
            return await caller.get("/health/ready")


async def test_live():
    async with client(create_app("probe", [], AccessTokens(SECRET))) as caller:
        response = await caller.get("/health/live", headers={"Authorization": "Bearer old"})
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


async def test_ready_when_all_is_well():
    response = await ready(event_store=well, read_store=well)
    assert response.status_code == 200
    assert response.json() == {"status": "ok", "checks": {"event_store": "ok", "read_store": "ok"}}


async def test_degraded_when_something_is_not_there_and_says_which():
    response = await ready(event_store=broken, read_store=well)
    assert response.status_code == 503
    body = response.json()
    assert body == {"status": "degraded", "checks": {"event_store": "OSError", "read_store": "ok"}}


async def test_degraded_when_a_check_does_not_end(monkeypatch):
    monkeypatch.setattr(health, "CHECK_SECONDS", 0.02)
    response = await ready(event_store=asyncio.Event().wait)
    assert response.status_code == 503
    assert response.json()["checks"] == {"event_store": "no answer in time"}

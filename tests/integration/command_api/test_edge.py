"""What every application does with any request, before and after its routes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
import structlog
from fastapi import APIRouter
from starlette.requests import Request

from api.command_api.app import create_command_app
from api.http.app import create_app
from api.http.route import GuardedRoute
from api.security.tokens import AccessTokens
from contracts.errors import Unavailable
from tests.support.http import ADDRESS, ORDER, SECRET, client, command_dependencies

MEBIBYTE = 1_048_576


def assert_problem(response: httpx.Response, status: int, code: str) -> dict:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["type"] == f"https://orderlog.dev/problems/{code}"
    assert body["status"] == status
    assert body["correlation_id"] == response.headers["x-correlation-id"]
    assert body["error"] == body["title"]
    return body


async def test_unknown_path_is_404(operator):
    body = assert_problem(await operator.get("/api/nothing?x=1"), 404, "not-found")
    assert body["instance"] == "/api/nothing"


@pytest.mark.parametrize("path", ["/api/orders/", "//api/orders", "/api/%00", "/api/orders%2F"])
async def test_other_spellings_of_a_path_are_404(operator, path):
    assert_problem(await operator.post(path), 404, "not-found")


async def test_wrong_method_is_405_with_all_that_are_allowed(operator):
    response = await operator.put("/api/orders")
    assert_problem(response, 405, "method-not-allowed")
    assert response.headers["allow"] == "POST"


async def test_allowed_methods_are_those_of_all_routes_of_a_path():
    router = APIRouter(route_class=GuardedRoute)

    async def nothing() -> None:
        return None

    router.get("/api/users/{id}")(nothing)
    router.patch("/api/users/{id}")(nothing)
    async with client(create_app("two", [router], AccessTokens(SECRET))) as caller:
        response = await caller.delete("/api/users/1")
    assert response.headers["allow"] == "GET, PATCH"


async def test_correlation_id_is_answered_and_handed_on(operator, bus):
    response = await operator.post(
        f"/api/orders/{ORDER}/confirm", headers={"X-Correlation-Id": "checkout 17"}
    )
    assert response.headers.get_list("x-correlation-id") == ["checkout 17"]
    assert bus.last[1].correlation_id == "checkout 17"


async def test_correlation_id_is_made_where_there_is_none(operator, bus):
    first, second = [await operator.post(f"/api/orders/{ORDER}/confirm") for _ in range(2)]
    assert first.headers["x-correlation-id"] != second.headers["x-correlation-id"]
    assert bus.last[1].correlation_id == second.headers["x-correlation-id"]


@pytest.mark.parametrize(("given", "kept"), [(b"a\xff\x01b", "ab"), (b"x" * 300, "x" * 128)])
async def test_correlation_id_is_cleaned(operator, given, kept):
    response = await operator.get("/health/live", headers={"X-Correlation-Id": given})
    assert response.headers["x-correlation-id"] == kept


async def test_unexpected_error_is_a_500_that_tells_nothing_and_a_log_that_tells_all(operator, bus):
    bus.refuse(RuntimeError("secret detail"))
    with structlog.testing.capture_logs([structlog.contextvars.merge_contextvars]) as logs:
        response = await operator.post(
            f"/api/orders/{ORDER}/confirm", headers={"X-Correlation-Id": "c-500"}
        )
    assert_problem(response, 500, "internal-error")
    assert "secret" not in response.text
    assert logs[0]["correlation_id"] == "c-500"
    assert "secret detail" in logs[0]["error"]
    assert logs[0]["exc_info"]


async def test_unavailable_is_503_with_retry_after(operator, bus):
    bus.refuse(Unavailable("busy", retry_after=4))
    response = await operator.post(f"/api/orders/{ORDER}/confirm")
    assert_problem(response, 503, "unavailable")
    assert response.headers["retry-after"] == "4"


async def test_body_over_the_limit_is_413_by_its_announced_length(operator, bus):
    response = await operator.post("/api/orders", content=b" " * (MEBIBYTE + 1))
    assert_problem(response, 413, "too-large")
    response = await operator.post("/api/orders", content=b" " * MEBIBYTE)
    assert_problem(response, 400, "malformed")
    assert bus.handled == []


@pytest.mark.parametrize("chunk", [1000, MEBIBYTE])
async def test_body_over_the_limit_is_413_by_counting(operator, chunk):
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += chunk
            yield b" " * chunk

    response = await asyncio.wait_for(operator.post("/api/orders", content=endless()), 10)
    assert_problem(response, 413, "too-large")
    assert sent <= 3 * MEBIBYTE


async def test_body_in_chunks_below_the_limit_is_read(operator, bus):
    async def parts() -> AsyncIterator[bytes]:
        yield b'{"payment_'
        yield b'method": "tok_visa"}'

    response = await operator.post(f"/api/orders/{ORDER}/confirm", content=parts())
    assert response.status_code == 200
    assert bus.last[0].payment_method == "tok_visa"


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/xml", "a", "application/jsonx"]
)
async def test_body_of_another_type_is_415(operator, content_type):
    response = await operator.post(
        "/api/orders", content=b"{}", headers={"Content-Type": content_type}
    )
    assert_problem(response, 415, "unsupported-media-type")


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", "Application/JSON", "application/x+json"]
)
async def test_body_of_json_by_another_name_is_read(operator, content_type):
    response = await operator.post(
        "/api/orders", content=b"{}", headers={"Content-Type": content_type}
    )
    assert_problem(response, 422, "invalid")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"items": NaN}',
        b'{"customer_id": "\\ud800"}',
        b'{"items": ' + b"1" * 100_000 + b"}",
    ],
)
async def test_body_that_is_no_json_is_400(operator, body):
    assert_problem(await operator.post("/api/orders", content=body), 400, "malformed")


async def test_values_that_are_not_valid_are_422_with_their_paths(operator):
    response = await operator.post(
        "/api/orders",
        json={
            "items": [{"product_id": "x", "quantity": 10**30}],
            "shipping_address": {**ADDRESS, "country": "\0\0"},
            "surprise": "\u0000",
        },
    )
    body = assert_problem(response, 422, "invalid")
    assert [error["path"] for error in body["errors"]] == [
        "items.0.product_id",
        "items.0.quantity",
        "shipping_address.country",
        "surprise",
    ]


async def test_a_client_that_goes_away_leaves_no_error(bus):
    app = create_command_app(command_dependencies(bus))
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/sessions",
        "raw_path": b"/api/sessions",
        "root_path": "",
        "query_string": b"",
        "headers": [],
    }
    sent: list[object] = []

    async def gone() -> dict[str, str]:
        return {"type": "http.disconnect"}

    async def send(message: object) -> None:
        sent.append(message)

    with structlog.testing.capture_logs() as logs:
        await app(scope, gone, send)
    assert sent == []
    assert [entry["log_level"] for entry in logs] == ["info"]


async def test_a_request_leaves_nothing_in_the_context_of_logs(operator):
    structlog.contextvars.clear_contextvars()
    await operator.get("/health/live")
    assert structlog.contextvars.get_contextvars() == {}


async def test_an_answer_that_has_begun_is_broken_off():
    router = APIRouter(route_class=GuardedRoute)

    @router.get("/api/products")
    async def breaking(request: Request) -> None:
        return None

    app = create_app("breaking", [router], AccessTokens(SECRET))
    inner = app.router.routes[0]

    async def half(scope, receive, send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("half way")

    inner.app = half
    with structlog.testing.capture_logs(), pytest.raises(RuntimeError, match="half way"):
        async with client(app) as caller:
            await caller.get("/api/products")

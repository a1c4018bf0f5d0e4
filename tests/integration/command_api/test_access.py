"""Who gets as far as the bus."""

from __future__ import annotations

import httpx
import pytest

from api.command_api.app import create_command_app
from api.security.rate_limits import RateLimits
from tests.integration.command_api.test_commands import CHANGES, CREATIONS
from tests.support.http import (
    ADA,
    BOB,
    ORDER,
    SECRET,
    FakeBus,
    FakeSessions,
    bearer,
    client,
    command_dependencies,
)

EVERYTHING = [("POST", path, body) for path, body, *_ in CREATIONS] + [
    (method, path, body) for method, path, body, *_ in CHANGES
]
ORDERS = {path for _, path, _ in EVERYTHING if path.startswith("/api/orders/")}
ADAS = {path for _, path, _ in EVERYTHING if path.startswith(f"/api/users/{ADA}")}
ROLES = f"/api/users/{ADA}/roles"


async def admitted(token: str | None) -> tuple[set[str], set[int]]:
    """The paths that the caller can use, and what all others answer."""
    bus = FakeBus()
    paths, refusals = set(), set()
    async with client(create_command_app(command_dependencies(bus)), token=token) as caller:
        for method, path, body in EVERYTHING:
            response = await caller.request(method, path, json=body)
            if response.is_success:
                paths.add(path)
            else:
                refusals.add(response.status_code)
    return paths, refusals


async def test_nobody_known_can_sign_up():
    assert await admitted(None) == ({"/api/users"}, {401})


async def test_customers_can_order_and_mind_themselves():
    paths, refusals = await admitted(bearer(ADA, "customer"))
    assert paths == {"/api/users", "/api/orders", *ORDERS, *ADAS} - {ROLES}
    assert refusals == {403}


async def test_customers_can_not_mind_others():
    paths, refusals = await admitted(bearer(BOB, "customer"))
    assert paths == {"/api/users", "/api/orders", *ORDERS}
    assert refusals == {403}


async def test_auditors_change_nothing_but_what_is_their_own():
    paths, _ = await admitted(bearer(BOB, "auditor"))
    assert paths == {"/api/users", *ORDERS}  # whose order it is, the handlers know


async def test_services_order():
    paths, _ = await admitted(bearer("till", "service"))
    assert paths == {"/api/users", "/api/orders", *ORDERS}


async def test_operators_can_do_everything():
    assert await admitted(bearer(BOB, "operator")) == ({path for _, path, _ in EVERYTHING}, set())


@pytest.mark.parametrize("authorization", ["Bearer x.y.z", "Basic YTpi", ""])
async def test_a_token_that_is_none_is_401_even_where_anyone_may(authorization):
    async with client(create_command_app(command_dependencies(FakeBus()))) as caller:
        response = await caller.post(
            "/api/users", json=CREATIONS[2][1], headers={"Authorization": authorization}
        )
    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith("Bearer")


async def test_who_is_not_admitted_learns_nothing_of_the_request():
    async with client(create_command_app(command_dependencies(FakeBus()))) as caller:
        response = await caller.post("/api/orders/malformed/confirm", content=b"{")
    assert response.status_code == 401


@pytest.fixture
async def visitor():
    sessions = FakeSessions()
    limits = RateLimits(SECRET, per_email="3/minute", per_address="600/minute")
    app = create_command_app(command_dependencies(FakeBus(), sessions=sessions, limits=limits))
    async with client(app) as caller:
        yield caller


def sign_in(caller: httpx.AsyncClient, password: str, **options):
    body = {"email": "ada@example.com", "password": password}
    return caller.post("/api/sessions", json=body, **options)


async def test_sign_in(visitor):
    response = await sign_in(visitor, "right password")
    assert response.status_code == 201
    assert response.json() == {
        "access_token": "access",
        "refresh_token": "refresh",
        "token_type": "Bearer",
        "expires_in": 900,
    }
    assert response.headers["location"] == "/api/sessions/5e55"
    assert response.headers["cache-control"] == "no-store"


async def test_sign_in_with_the_wrong_password_is_401(visitor):
    response = await sign_in(visitor, "wrong")
    assert response.status_code == 401
    assert "www-authenticate" in response.headers


async def test_refresh_with_an_expired_access_token_at_hand(visitor):
    response = await visitor.post(
        "/api/sessions/refresh",
        json={"refresh_token": "refresh"},
        headers={"Authorization": "Bearer expired", "Idempotency-Key": "x" * 999},
    )
    assert response.status_code == 201


async def test_refresh_with_another_token_is_401(visitor):
    response = await visitor.post("/api/sessions/refresh", json={"refresh_token": "old"})
    assert response.status_code == 401


async def test_too_many_sign_ins_are_429(visitor):
    statuses = [(await sign_in(visitor, "wrong")).status_code for _ in range(3)]
    assert statuses == [401] * 3
    response = await sign_in(visitor, "right password")
    assert response.status_code == 429
    assert 1 <= int(response.headers["retry-after"]) <= 60


async def test_too_many_registrations_are_429(visitor):
    statuses = [
        (await visitor.post("/api/users", json=CREATIONS[2][1])).status_code for _ in range(4)
    ]
    assert statuses == [201, 201, 201, 429]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", f"/api/users/{ADA}", {"email": "x@example.com"}),
        (
            "POST",
            f"/api/users/{ADA}/password",
            {"current_password": "guess", "new_password": "12345678"},
        ),
    ],
)
async def test_guessing_by_a_signed_in_user_is_limited(visitor, method, path, body):
    headers = {"Authorization": f"Bearer {bearer(ADA, 'customer')}"}
    statuses = [
        (await visitor.request(method, path, json=body, headers=headers)).status_code
        for _ in range(4)
    ]
    assert statuses == [200, 200, 200, 429]


async def test_orders_are_not_limited(visitor):
    headers = {"Authorization": f"Bearer {bearer(ADA, 'customer')}"}
    path = f"/api/orders/{ORDER}/confirm"
    responses = [await visitor.post(path, headers=headers) for _ in range(10)]
    assert {response.status_code for response in responses} == {200}

"""Accounts, sessions and what each role may see, over HTTP."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.end_to_end.shop import (
    PASSWORD,
    bearer,
    made,
    ok,
    open_shop,
    problem,
    register,
    seen_by,
    sign_in,
)
from tests.end_to_end.system import System, running

ADA, GRACE, ALAN = "ada@example.com", "grace@example.com", "alan@example.com"
NEW_PASSWORD = "battery staple horse"


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory, topology: str) -> Iterator[System]:
    """One for all tests here; each has its own people."""
    with running(tmp_path_factory.mktemp("users"), topology) as system:
        yield system


async def test_a_session_from_registration_to_deactivation(system: System):
    async with system.client() as visitor:
        user = made(await register(visitor, ADA))["id"]
        assert problem(await sign_in(visitor, ADA, "a wrong one")) == (401, "invalid-credentials")
        nobody = await sign_in(visitor, "nobody@example.com")
        assert problem(nobody) == (401, "invalid-credentials")
        session = made(await sign_in(visitor, "ADA@example.com"))
        await check_profile(visitor, user, session["access_token"])
        second = await refreshed(visitor, session)
        third = await refreshed(visitor, second)
        await check_profile(visitor, user, third["access_token"])
        # A token that was used before ends the whole family: it may have been stolen.
        assert (await refresh(visitor, second)).status_code == 401
        assert (await refresh(visitor, third)).status_code == 401
        await check_new_password(visitor, user)
        await check_deactivation(system, visitor, user)


async def refresh(visitor: httpx.AsyncClient, session: dict[str, str]) -> httpx.Response:
    body = {"refresh_token": session["refresh_token"]}
    return await visitor.post("/api/sessions/refresh", json=body)


async def refreshed(visitor: httpx.AsyncClient, session: dict[str, str]) -> dict[str, str]:
    new = made(await refresh(visitor, session))
    assert new["refresh_token"] != session["refresh_token"]
    return new


async def check_profile(visitor: httpx.AsyncClient, user: str, token: str) -> None:
    shown = ok(await visitor.get(f"/api/users/{user}", headers=bearer(token)))
    assert (shown["email"], shown["roles"], shown["status"]) == (ADA, ["customer"], "active")
    assert PASSWORD not in str(shown)


async def check_new_password(visitor: httpx.AsyncClient, user: str) -> None:
    before = made(await sign_in(visitor, ADA))
    body = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    path, token = f"/api/users/{user}/password", bearer(before["access_token"])
    ok(await visitor.post(path, json=body, headers=token))
    assert (await refresh(visitor, before)).status_code == 401
    assert (await sign_in(visitor, ADA)).status_code == 401


async def check_deactivation(system: System, visitor: httpx.AsyncClient, user: str) -> None:
    session = made(await sign_in(visitor, ADA, NEW_PASSWORD))
    token = bearer(session["access_token"])
    closed = await visitor.post(f"/api/users/{user}/deactivate", headers=token)
    assert closed.status_code == 200
    assert (await refresh(visitor, session)).status_code == 401
    assert (await sign_in(visitor, ADA, NEW_PASSWORD)).status_code == 401
    async with system.client("operator") as operator:
        seen = await operator.get(f"/api/users/{user}", headers=seen_by(closed))
        assert ok(seen)["status"] == "deactivated"


async def test_twenty_register_one_address_at_once_then_one_has_it(system: System):
    async with system.client() as visitor:
        answers = await asyncio.gather(*(register(visitor, GRACE) for _ in range(20)))
        assert Counter(one.status_code for one in answers) == {201: 1, 409: 19}
        assert {problem(one)[1] for one in answers if one.status_code == 409} == {"email-taken"}
        [winner] = [one for one in answers if one.status_code == 201]
        session = made(await sign_in(visitor, GRACE))
        token = bearer(session["access_token"])
        ok(await visitor.get(winner.headers["location"], headers=token | seen_by(winner)))
    async with system.client("operator") as operator:
        search = {"q": GRACE}
        found = await operator.get("/api/users", params=search, headers=seen_by(winner))
        assert [one["id"] for one in ok(found)["items"]] == [made(winner)["id"]]


async def test_guessing_is_limited_by_address_and_by_caller(tmp_path: Path, topology: str):
    limits = {"sign_ins_per_email": "3/minute", "sign_ins_per_address": "4/minute"}
    with running(tmp_path, topology, **limits) as system:
        async with system.client() as visitor:
            statuses = [(await sign_in(visitor, ADA, "a guess")).status_code for _ in range(3)]
            assert statuses == [401] * 3
            check_limited(await sign_in(visitor, ADA, "a guess"))
            # The caller's own limit counts every attempt, whoever it is for.
            check_limited(await sign_in(visitor, GRACE))
            for number in range(4):
                made(await register(visitor, f"user-{number}@example.com"))
            check_limited(await register(visitor, "user-5@example.com"))


def check_limited(answer: httpx.Response) -> None:
    assert problem(answer) == (429, "too-many-requests")
    assert 1 <= int(answer.headers["retry-after"]) <= 60


async def test_customers_have_their_own_orders_and_no_others(system: System):
    shop = await open_shop(system, customers=2)
    ada, grace = shop.customers
    async with system.client("customer", ada) as owner, system.client("customer", grace) as other:
        answer = await owner.post("/api/orders", json=shop.order(1))
        order, token = answer.headers["location"], seen_by(answer)
        line = ok(await owner.get(order, headers=token))["items"][0]["item_id"]
        item = {"product_id": shop.products[0], "quantity": 1}
        for method, path, body in (
            ("GET", order, None),
            ("POST", f"{order}/items", item),
            ("DELETE", f"{order}/items/{line}", None),
            ("POST", f"{order}/confirm", None),
            ("POST", f"{order}/cancel", {"reason": "envy"}),
        ):
            refused = await other.request(method, path, json=body, headers=token)
            assert problem(refused)[0] == 404, path
        for search in ({}, {"customer_id": ada}, {"q": made(answer)["id"]}):
            found = ok(await other.get("/api/orders", params=search, headers=token))
            assert (found["items"], found["counts"]) == ([], {})
        assert (await other.get(f"/api/customers/{ada}/orders")).status_code in (403, 404)
        assert (await other.get(f"/api/users/{ada}")).status_code == 403
        for_ada = shop.order(1) | {"customer_id": ada}
        assert (await other.post("/api/orders", json=for_ada)).status_code in (403, 404)
        own = ok(await owner.get("/api/orders", headers=token))
        assert [one["version"] for one in own["items"]] == [0]
        await check_others(system, shop, order, token)


async def check_others(system: System, shop, order: str, token: dict[str, str]) -> None:
    """Operators see and do all; auditors see orders and do nothing."""
    async with system.client("auditor") as auditor, system.client("operator") as operator:
        for client in (auditor, operator):
            ok(await client.get(order, headers=token))
            search = {"customer_id": shop.customers[0]}
            found = ok(await client.get("/api/orders", params=search, headers=token))
            assert len(found["items"]) == 1
        refused = await auditor.post(f"{order}/cancel", json={"reason": "looks odd"})
        assert refused.status_code in (403, 404)
        assert (await auditor.post("/api/orders", json=shop.order(1))).status_code == 403
        ok(await operator.post(f"{order}/cancel", json={"reason": "asked by phone"}))


async def test_roles_are_given_and_taken_by_operators(system: System):
    async with system.client() as visitor, system.client("operator") as operator:
        user = made(await register(visitor, ALAN))["id"]
        assert await sees_projections(visitor) == 403
        change = {"grant": ["operator"], "revoke": ["customer"]}
        ok(await operator.post(f"/api/users/{user}/roles", json=change))
        assert await sees_projections(visitor) == 200
        ok(await operator.post(f"/api/users/{user}/roles", json={"revoke": ["operator"]}))
        assert await sees_projections(visitor) == 403


async def sees_projections(visitor: httpx.AsyncClient) -> int:
    session = made(await sign_in(visitor, ALAN))
    answer = await visitor.get("/api/projections", headers=bearer(session["access_token"]))
    return answer.status_code

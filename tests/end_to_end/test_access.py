"""Every route says who may call it, and keeps to that."""

from __future__ import annotations

import httpx

from api.security.access import ACCESS, OPEN
from tests.end_to_end.shop import problem
from tests.end_to_end.system import System

ID = "77aa0000-0000-4000-8000-000000000001"
OTHER = "77aa0000-0000-4000-8000-000000000002"
METHODS = {"get", "post", "put", "patch", "delete"}

NAMES = {"id": OTHER, "item_id": ID, "sku": "TEA", "stream": "order-x", "name": "customers"}
"""What stands in the paths."""


def documented(system: System) -> set[tuple[str, str]]:
    documents = [
        httpx.get(f"{url}/openapi.json").json() for url in (system.base_url, system.query_url)
    ]
    return {
        (method.upper(), path)
        for document in documents
        for path, operations in document["paths"].items()
        for method in operations.keys() & METHODS
    }


async def test_every_route_keeps_to_its_rule(system: System):
    async with system.client() as nobody:
        routes = documented(system)
        assert routes == ACCESS.keys()
        for method, path in sorted(routes):
            rule = ACCESS[method, path]
            where = path.format(**NAMES)
            answer = await nobody.request(method, where)
            assert (answer.status_code == 401) == rule.signed_in, (method, path)
            if rule.signed_in:
                assert problem(answer)[0] == 401
                assert answer.headers["www-authenticate"].startswith("Bearer")
            expired = await nobody.request(method, where, headers={"Authorization": "Bearer x.y.z"})
            assert (expired.status_code == 401) == (rule is not OPEN), (method, path)
        await check_elsewhere(system, nobody)
        for role in ("customer", "auditor", "service"):
            await check_role(system, role)


async def check_role(system: System, role) -> None:
    """Whoever has none of a rule's roles, and nothing of their own there, is refused."""
    async with system.client(role, ID) as caller:
        for (method, path), rule in ACCESS.items():
            answer = await caller.request(
                method,
                path.format(id=OTHER, item_id=ID, sku="TEA", stream="order-x", name="customers"),
            )
            admitted = not rule.signed_in or role in rule.roles or rule.own == "data"
            assert (answer.status_code == 403) != admitted, (role, method, path, answer.text)
            assert answer.status_code < 500, (role, method, path, answer.text)


async def check_elsewhere(system: System, nobody: httpx.AsyncClient) -> None:
    """What is not there, or not with this method, is a problem too."""
    assert problem(await nobody.get("/api/nothing")) == (404, "not-found")
    answer = await nobody.delete("/api/orders")
    assert problem(answer) == (405, "method-not-allowed")
    # Of processes of their own, the one that takes commands was asked.
    assert answer.headers["allow"] == ("POST" if system.apart else "GET, POST")

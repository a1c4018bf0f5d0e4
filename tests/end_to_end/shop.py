"""A small shop, opened through the API, and what is done in it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx

from event_store.composite import covers
from event_store.port import Position
from tests.end_to_end.system import POLICIES, System
from tests.support.stores import last_of

ADDRESS = {"recipient": "Ada", "lines": ["1 Rue"], "city": "Paris", "country": "FR"}
PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class Shop:
    """Ids of what is there."""

    products: list[str]
    skus: list[str]
    customers: list[str]

    def order(self, *quantities: int) -> dict[str, Any]:
        """The body of an order: so many of the first product, of the second, and so on."""
        items = [
            {"product_id": product, "quantity": quantity}
            for product, quantity in zip(self.products, quantities, strict=False)
            if quantity
        ]
        return {"items": items, "shipping_address": ADDRESS}


async def open_shop(system: System, *, customers: int = 1, stock: int = 1_000_000) -> Shop:
    """Three products in stock, and some customers."""
    async with system.client("operator") as operator:
        products = [await _product(operator, name, stock) for name in ("TEA", "CUP", "POT")]
    async with system.client() as visitor:
        people = await asyncio.gather(
            *(register(visitor, f"customer-{number}@example.com") for number in range(customers))
        )
    return Shop(products, ["TEA", "CUP", "POT"], [made(one)["id"] for one in people])


async def _product(operator: httpx.AsyncClient, sku: str, stock: int) -> str:
    price = {"amount": "12.50", "currency": "EUR"}
    product = made(await operator.post("/api/products", json={"name": sku, "price": price}))["id"]
    ok(await operator.put(f"/api/products/{product}/sku", json={"sku": sku}))
    receipt = {"quantity": stock, "location": "main"}
    made(await operator.post(f"/api/stock/{sku}/receipts", json=receipt))
    return product


async def register(visitor: httpx.AsyncClient, email: str, key: str | None = None):
    """Ask for an account."""
    body = {"name": "Ada", "email": email, "password": PASSWORD}
    return await visitor.post("/api/users", json=body, headers=keyed(key))


async def sign_in(visitor: httpx.AsyncClient, email: str, password: str = PASSWORD):
    """Ask for tokens."""
    return await visitor.post("/api/sessions", json={"email": email, "password": password})


def keyed(key: str | None) -> dict[str, str]:
    """The header of an Idempotency-Key."""
    return {} if key is None else {"Idempotency-Key": key}


def seen_by(answer: httpx.Response) -> dict[str, str]:
    """The header with which a query waits for what was answered."""
    return {"Consistency-Token": answer.headers["consistency-token"]}


def bearer(token: str) -> dict[str, str]:
    """The header of an access token."""
    return {"Authorization": f"Bearer {token}"}


def made(answer: httpx.Response) -> Any:
    """The body of a 201."""
    assert answer.status_code == 201, answer.text
    return answer.json()


def ok(answer: httpx.Response) -> Any:
    """The body of a 200."""
    assert answer.status_code == 200, answer.text
    return answer.json()


def problem(answer: httpx.Response) -> tuple[int, str]:
    """Status and kind of an error."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.status_code, answer.json()["type"].rpartition("/")[2]


async def until(check: Callable[[], Awaitable[object]], within: float = 20) -> None:
    """Return when another process has come so far; it can't tell us, so we look."""
    async with asyncio.timeout(within):
        while not await check():  # noqa: ASYNC110 - it is no event of this process
            await asyncio.sleep(0.02)


async def settled(system: System) -> None:
    """Return when policies and projections have done all there was to do at this moment."""
    async with system.event_store() as events:
        for policy, categories in POLICIES.items():
            last = await last_of(events, categories) or Position("")
            for subscriber in system.subscribers(policy):

                async def is_there(name: str = subscriber, last: Position = last) -> bool:
                    reached = await events.load_checkpoint(name)
                    return covers(reached, last)

                await until(is_there)
    async with system.client("operator") as operator:

        async def nothing_is_behind() -> bool:
            states = ok(await operator.get("/api/projections"))["items"]
            return all(state["lag_seconds"] == 0 for state in states)

        await until(nothing_is_behind)

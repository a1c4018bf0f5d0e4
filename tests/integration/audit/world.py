"""A small shop in the real application: commands in, projections and policies running."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from api.security.consistency import ConsistencyToken
from bootstrap.background import Background, running
from bootstrap.container import Container, open_container
from bootstrap.settings import Settings
from bootstrap.web import whole_app
from contracts.commands.base import Command
from contracts.commands.inventory import MapProduct, ReceiveStock
from contracts.commands.sales import AddProduct, CreateOrder, OrderItem
from contracts.commands.users import RegisterUser
from contracts.errors import Refused
from contracts.registry import PUBLISHED, category_of
from contracts.values import SYSTEM, Actor
from event_store.composite import part_for
from projections.catalogue import PROJECTORS
from read_side.freshness import Write
from tests.support.commands import ADA, ADDRESS, EVE, NOW, OPERATOR, asked, money, uid
from tests.support.stores import last_of
from write_side.kernel.context import Answer

NAMES = {ADA.id: "Ada Lovelace", EVE.id: "Eve Other", OPERATOR.id: "Olga Operator"}
TEA, CUP = uid(0x7EA), uid(0xC0B)
SKUS = {TEA: "TEA", CUP: "CUP"}


@dataclass
class World:
    """The application, and someone to call it."""

    container: Container
    background: Background
    client: httpx.AsyncClient
    token: str = ""
    clock: datetime = field(default=NOW)

    async def do(
        self, command: Command, by: Actor = OPERATOR, at: datetime | None = None
    ) -> Answer | None:
        """Give a command, a minute after the one before; None when a rule refuses it."""
        self.clock = at or self.clock + timedelta(minutes=1)
        try:
            answer = await self.container.bus.handle(command, asked(by, at=self.clock))
        except Refused:
            return None
        store = part_for(self.container.store_identity, answer.stream)
        written = ConsistencyToken(store, answer.stream, answer.version, answer.position)
        self.token = self.container.consistency_tokens.encode(written)
        return answer

    async def order(self, number: int, *products: str, by: Actor = ADA) -> str:
        """Create an order of two of each; its id."""
        items = tuple(OrderItem(product_id=product, quantity=2) for product in products)
        answer = await self.do(
            CreateOrder(
                order_id=uid(number), customer_id=by.id, items=items, shipping_address=ADDRESS
            ),
            by,
        )
        assert answer is not None
        return answer.id

    async def get(self, path: str, by: Actor = OPERATOR, **parameters: Any) -> httpx.Response:
        """Ask the API, once the read models show the last command."""
        token = self.container.access_tokens.issue(by.id, by.roles)[0]
        headers = {"Authorization": f"Bearer {token}"}
        if self.token:
            headers["Consistency-Token"] = self.token
        parameters = {name.rstrip("_"): value for name, value in parameters.items()}
        return await self.client.get(path, params=parameters, headers=headers)

    async def items(self, path: str, by: Actor = OPERATOR, **parameters: Any) -> list[Any]:
        """All items of all pages."""
        found: list[Any] = []
        while True:
            answer = await self.get(path, by, **parameters)
            assert answer.status_code == 200, answer.text
            page = answer.json()
            found += page["items"]
            if page["next_cursor"] is None:
                return found
            parameters["cursor"] = page["next_cursor"]

    async def settled(self) -> None:
        """Return when the policies have followed all that happened, and the index shows it."""
        runners = self.background.policies
        for policy, runner in zip(self.container.policies, runners, strict=True):
            last = await last_of(self.container.events, policy.CATEGORIES)
            if last is not None:
                await runner.wait_until(last, timeout=20)
        page = await self.container.events.read_all(limit=10_000, categories=PUBLISHED)
        for name in ("event_log", "customers", "order_details"):
            shown = [e for e in page.events if category_of(e.stream) in PROJECTORS[name].categories]
            for last in shown[-1:]:
                store = part_for(self.container.store_identity, last.stream)
                write = Write(store, last.stream, last.version, last.position)
                assert await self.container.projections.shows(name, write, 20)


@asynccontextmanager
async def reopened(folder: Path, **settings: Any) -> AsyncIterator[World]:
    """The shop in this folder, with what it has."""
    settings = Settings(_env_file=None, data=folder, **settings)
    async with open_container(settings) as container, running(container) as background:
        transport = httpx.ASGITransport(app=whole_app(container))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            yield World(container, background, client)


@asynccontextmanager
async def opened(folder: Path, **settings: Any) -> AsyncIterator[World]:
    """A shop in a new folder: three people, two products, stock of both."""
    async with reopened(folder, **settings) as world:
        for actor in (ADA, EVE, OPERATOR):
            name = NAMES[actor.id]
            email = f"{name.partition(' ')[0].lower()}@example.com"
            register = RegisterUser(user_id=actor.id, name=name, email=email, roles=actor.roles)
            await world.do(register, SYSTEM)
        for product, sku in SKUS.items():
            price = money("12.50" if product == TEA else "3.00")
            await world.do(AddProduct(product_id=product, name=sku.title(), price=price))
            await world.do(MapProduct(product_id=product, sku=sku))
            await world.do(ReceiveStock(sku=sku, quantity=1000, location="main"))
        await world.settled()
        yield world

"""Orders of history: their own dates and prices, one for each reference."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from contracts.commands.sales import ConfirmOrder, DiscontinueProduct, ImportedLine, ImportOrder
from contracts.errors import Forbidden
from contracts.events.sales import OrderCreated
from contracts.values import SYSTEM, Actor
from tests.integration.write_side.refusals import refused
from tests.support.commands import (
    ADA,
    ADDRESS,
    AUDITOR,
    NOW,
    OPERATOR,
    SERVICE,
    Shop,
    money,
    uid,
)
from write_side.sales.command_handlers import imported_order_id


def history(*lines: tuple[str, str], **changes: Any) -> ImportOrder:
    items = tuple(
        ImportedLine(product_id=product, unit_price=money(price), quantity=3)
        for product, price in lines
    )
    whole: dict[str, Any] = {
        "customer_id": ADA.id,
        "items": items,
        "shipping_address": ADDRESS,
        "created_at": datetime(1996, 7, 4, tzinfo=UTC),
        "external_reference": "10248",
        "discount": money("1.00"),
        "freight": money("32.38"),
        **changes,
    }
    return ImportOrder(**whole)


class TestImport:
    async def test_date_prices_reference_and_notes_are_those_of_history(self, shop: Shop):
        tea = await shop.product("12.50")
        await shop.handle(DiscontinueProduct(product_id=tea))
        shop.customers.known[ADA.id] = False
        answer = await shop.handle(history((tea, "9.80"), (tea, "34.80")))
        assert answer.id == imported_order_id("10248")
        ((event, metadata),) = await shop.events(answer.stream)
        assert isinstance(event, OrderCreated)
        assert event.timestamp == metadata.occurred_at == datetime(1996, 7, 4, tzinfo=UTC)
        assert [line.unit_price for line in event.items] == [money("9.80"), money("34.80")]
        assert event.total == money("133.80")
        assert (event.external_reference, event.discount, event.freight) == (
            "10248",
            money("1.00"),
            money("32.38"),
        )
        order = await shop.orders.load(answer.id)
        assert (order.external_reference, order.modified_on.year) == ("10248", 1996)

    async def test_it_goes_on_from_its_own_date(self, shop: Shop):
        answer = await shop.handle(history((await shop.product(), "9.80")))
        await shop.handle(ConfirmOrder(order_id=answer.id))
        times = [event.timestamp for event, _ in await shop.events(answer.stream)]
        assert times == [datetime(1996, 7, 4, tzinfo=UTC), NOW]

    async def test_the_same_reference_again_is_refused(self, shop: Shop):
        tea = await shop.product()
        await shop.handle(history((tea, "9.80")))
        await refused(shop, history((tea, "9.80")), "duplicate-reference")
        other = history((tea, "1.00"), external_reference="10249")
        assert (await shop.handle(other)).version == 0

    async def test_the_same_request_with_its_key_again_is_not(self, shop: Shop):
        tea = await shop.product()
        first = await shop.handle(history((tea, "9.80")), key="import-10248")
        assert await shop.handle(history((tea, "9.80")), key="import-10248") == first

    async def test_an_unknown_customer_is_refused(self, shop: Shop):
        tea = await shop.product()
        await refused(shop, history((tea, "9.80"), customer_id=uid(9)), "customer-unknown")

    async def test_an_unknown_product_is_refused(self, shop: Shop):
        await refused(shop, history((uid(9), "9.80")), "product-unknown")

    async def test_two_currencies_are_refused(self, shop: Shop):
        tea = await shop.product()
        items = (
            ImportedLine(product_id=tea, unit_price=money("9.80"), quantity=1),
            ImportedLine(product_id=tea, unit_price=money("980", "JPY"), quantity=1),
        )
        await refused(shop, history(items=items), "mixed-currencies")

    @pytest.mark.parametrize("by", [ADA, AUDITOR, Actor("anonymous", "")])
    async def test_others_may_not(self, shop: Shop, by: Actor):
        await refused(shop, history(), "forbidden", by, Forbidden)

    @pytest.mark.parametrize("by", [OPERATOR, SERVICE, SYSTEM])
    async def test_operators_and_the_system_may(self, shop: Shop, by: Actor):
        assert (await shop.handle(history(), by)).version == 0

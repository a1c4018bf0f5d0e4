"""Rules of Sales that concern more than one aggregate, or who is asking."""

from __future__ import annotations

import pytest

from contracts.commands.base import Command
from contracts.commands.sales import (
    AddItem,
    AddProduct,
    CancelOrder,
    ChangePrice,
    ChangeProductDetails,
    ConfirmOrder,
    DiscontinueProduct,
    MarkOrderDelivered,
    MarkOrderShipped,
    RemoveItem,
)
from contracts.errors import Forbidden, NotFound
from contracts.events.sales import OrderCancelled, OrderCreated
from contracts.values import SYSTEM, Actor
from tests.integration.write_side.refusals import refused
from tests.support.commands import (
    ADA,
    AUDITOR,
    EVE,
    NOW,
    OPERATOR,
    SERVICE,
    Shop,
    create_order,
    money,
    uid,
)

ORDER = uid(1)
CONFIRM = ConfirmOrder(order_id=ORDER, payment_method="tok")
CANCEL = CancelOrder(order_id=ORDER, reason="no")
SHIP = MarkOrderShipped(order_id=ORDER)
DELIVER = MarkOrderDelivered(order_id=ORDER)


class TestProducts:
    async def test_a_product_goes_its_way(self, shop: Shop):
        product = await shop.product()
        await shop.handle(ChangeProductDetails(product_id=product, name="Chai"))
        await shop.handle(ChangePrice(product_id=product, price=money("13.00")))
        await shop.handle(DiscontinueProduct(product_id=product))
        again = await shop.handle(DiscontinueProduct(product_id=product))
        assert again.version == 3
        assert await shop.types(f"product-{product}") == [
            "ProductAdded",
            "ProductDetailsChanged",
            "ProductPriceChanged",
            "ProductDiscontinued",
        ]

    async def test_adding_it_again_is_refused(self, shop: Shop):
        product = await shop.product()
        add = AddProduct(product_id=product, name="Tea", price=money("1.00"))
        await refused(shop, add, "product-exists")

    @pytest.mark.parametrize(
        "command",
        [
            ChangeProductDetails(product_id=uid(7), name="Chai"),
            ChangePrice(product_id=uid(7), price=money("13.00")),
            DiscontinueProduct(product_id=uid(7)),
        ],
    )
    async def test_an_unknown_one_is_not_found(self, shop: Shop, command: Command):
        await refused(shop, command, "product-not-found", kind=NotFound)


class TestCreateOrder:
    async def test_lines_have_the_name_and_price_of_now(self, shop: Shop):
        tea, cake = await shop.product("12.50"), await shop.product("3.99")
        answer = await shop.handle(create_order(1, tea, cake, tea), ADA)
        await shop.handle(ChangePrice(product_id=tea, price=money("99.00")))
        await shop.handle(ChangeProductDetails(product_id=tea, name="Chai"))
        ((event, metadata),) = await shop.events(answer.stream)
        assert isinstance(event, OrderCreated)
        assert [line.unit_price for line in event.items] == [
            money(p) for p in ("12.50", "3.99", "12.50")
        ]
        assert {line.product_name for line in event.items} == {"Tea"}
        assert len({line.item_id for line in event.items}) == 3
        assert event.total == money("57.98")
        assert (event.customer_id, event.timestamp) == (ADA.id, NOW)
        assert metadata.actor == ADA

    async def test_without_lines_there_is_no_total(self, shop: Shop):
        await shop.handle(create_order(1), ADA)
        assert (await shop.orders.load(ORDER)).total is None

    async def test_an_unknown_customer_is_refused(self, shop: Shop):
        await refused(shop, create_order(1, customer=uid(9)), "customer-unknown")

    async def test_an_inactive_customer_is_refused(self, shop: Shop):
        shop.customers.known[ADA.id] = False
        await refused(shop, create_order(1), "customer-inactive", ADA)

    async def test_an_unknown_product_is_refused(self, shop: Shop):
        tea = await shop.product()
        await refused(shop, create_order(1, tea, uid(9)), "product-unknown", ADA)

    async def test_a_discontinued_product_is_refused(self, shop: Shop):
        tea = await shop.product()
        await shop.handle(DiscontinueProduct(product_id=tea))
        await refused(shop, create_order(1, tea), "product-discontinued", ADA)

    async def test_products_of_two_currencies_are_refused(self, shop: Shop):
        tea, cake = await shop.product("12.50", "EUR"), await shop.product("399", "JPY")
        await refused(shop, create_order(1, tea, cake), "mixed-currencies", ADA)

    async def test_an_order_that_exists_is_refused(self, shop: Shop):
        await shop.handle(create_order(1), ADA)
        await refused(shop, create_order(1), "order-exists", ADA)

    @pytest.mark.parametrize("by", [EVE, AUDITOR, Actor("anonymous", "")])
    async def test_for_another_customer_is_forbidden(self, shop: Shop, by: Actor):
        await refused(shop, create_order(1), "not-your-account", by, Forbidden)

    @pytest.mark.parametrize("by", [ADA, OPERATOR, SERVICE, SYSTEM])
    async def test_for_oneself_or_by_an_operator_is_allowed(self, shop: Shop, by: Actor):
        assert (await shop.handle(create_order(1), by)).version == 0


class TestChanges:
    async def test_an_item_is_added_at_the_price_of_now_and_removed(self, shop: Shop):
        tea = await shop.product("12.50")
        await shop.handle(create_order(1, tea), ADA)
        await shop.handle(ChangePrice(product_id=tea, price=money("13.00")))
        add = AddItem(order_id=ORDER, product_id=tea, quantity=1)
        answer = await shop.handle(add, ADA)
        assert (await shop.orders.load(ORDER)).total == money("38.00")
        await shop.handle(RemoveItem(order_id=ORDER, item_id=answer.ids["item_id"]), ADA)
        assert (await shop.orders.load(ORDER)).total == money("25.00")

    async def test_each_added_item_has_an_id_of_its_own(self, shop: Shop):
        tea = await shop.product()
        await shop.handle(create_order(1), ADA)
        add = AddItem(order_id=ORDER, product_id=tea, quantity=1)
        ids = {(await shop.handle(add, ADA)).ids["item_id"] for _ in range(3)}
        assert set((await shop.orders.load(ORDER)).items) == ids
        assert len(ids) == 3

    async def test_products_that_can_not_be_ordered_are_not_added(self, shop: Shop):
        tea, yen = await shop.product(), await shop.product("399", "JPY")
        gone = await shop.product()
        await shop.handle(DiscontinueProduct(product_id=gone))
        await shop.handle(create_order(1, tea), ADA)
        for product, code in (
            (uid(9), "product-unknown"),
            (gone, "product-discontinued"),
            (yen, "mixed-currencies"),
        ):
            add = AddItem(order_id=ORDER, product_id=product, quantity=1)
            await refused(shop, add, code, ADA)

    async def test_a_product_discontinued_later_stays_in_the_order(self, shop: Shop):
        tea = await shop.product()
        await shop.handle(create_order(1, tea), ADA)
        await shop.handle(DiscontinueProduct(product_id=tea))
        assert (await shop.handle(CONFIRM, ADA)).version == 1

    async def test_an_order_goes_its_way_and_asking_again_changes_nothing(self, shop: Shop):
        tea = await shop.product()
        await shop.handle(create_order(1, tea), ADA)
        for version, (command, by) in enumerate(
            [(CONFIRM, ADA), (SHIP, SERVICE), (DELIVER, SYSTEM)], start=1
        ):
            assert (await shop.handle(command, by)).version == version
            assert (await shop.handle(command, by)).version == version
        await refused(shop, CANCEL, "order-shipped", ADA)

    async def test_a_cancelled_order_says_by_whom(self, shop: Shop):
        await shop.handle(create_order(1), ADA)
        await shop.handle(CANCEL, OPERATOR)
        event, _ = (await shop.events(f"order-{ORDER}"))[-1]
        assert isinstance(event, OrderCancelled)
        assert (event.reason, event.cancelled_by) == ("no", OPERATOR)
        await refused(shop, CONFIRM, "order-cancelled", ADA)


OWNERS = [
    AddItem(order_id=ORDER, product_id=uid(0x5000), quantity=1),
    RemoveItem(order_id=ORDER, item_id=uid(3)),
    CONFIRM,
    CANCEL,
]


class TestWhoMay:
    @pytest.mark.parametrize("by", [EVE, AUDITOR, Actor("anonymous", "")])
    @pytest.mark.parametrize("command", OWNERS, ids=lambda command: command.command_name())
    async def test_for_others_there_is_no_such_order(self, shop: Shop, command: Command, by: Actor):
        tea = await shop.product()
        await shop.handle(create_order(1, tea), ADA)
        await refused(shop, command, "order-not-found", by, NotFound)

    @pytest.mark.parametrize("command", OWNERS, ids=lambda command: command.command_name())
    async def test_an_order_that_is_not_there_is_not_found(self, shop: Shop, command: Command):
        await shop.product()
        await refused(shop, command, "order-not-found", ADA, NotFound)

    @pytest.mark.parametrize("by", [ADA, OPERATOR, SERVICE, SYSTEM])
    async def test_owner_operators_and_services_may(self, shop: Shop, by: Actor):
        await shop.handle(create_order(1, await shop.product()), ADA)
        assert (await shop.handle(CONFIRM, by)).version == 1
        assert (await shop.handle(CANCEL, by)).version == 2

    @pytest.mark.parametrize("by", [ADA, OPERATOR, AUDITOR])
    @pytest.mark.parametrize("command", [SHIP, DELIVER], ids=["ship", "deliver"])
    async def test_only_services_and_the_system_ship(self, shop: Shop, command: Command, by: Actor):
        await shop.handle(create_order(1, await shop.product()), ADA)
        await shop.handle(CONFIRM, ADA)
        await refused(shop, command, "forbidden", by, Forbidden)

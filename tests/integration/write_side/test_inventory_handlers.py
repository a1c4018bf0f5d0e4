from __future__ import annotations

from datetime import timedelta

import pytest

from contracts.commands.base import Command
from contracts.commands.inventory import (
    AdjustStock,
    IssueStock,
    MapProduct,
    ReceiveStock,
    ReleaseStock,
    ReserveStock,
)
from contracts.errors import NotFound, Refused
from contracts.events.inventory import StockIssued, Taken
from tests.integration.write_side.refusals import refused
from tests.support.commands import NOW, Shop, uid

ORDER = uid(1)
RECEIVE = ReceiveStock(sku="TEA", quantity=10, location="main")
RESERVE = ReserveStock(sku="TEA", order_id=ORDER, order_version=0, quantity=4)
RELEASE = ReleaseStock(sku="TEA", order_id=ORDER, order_version=1)
ISSUE = IssueStock(sku="TEA", order_id=ORDER)


async def test_goods_come_are_reserved_and_leave(shop: Shop):
    for command in (RECEIVE, RESERVE, ISSUE):
        await shop.handle(command)
    event, _ = (await shop.events("stock-TEA"))[-1]
    assert isinstance(event, StockIssued)
    assert event.taken == (Taken("main", 4),)
    item = await shop.stock.load("TEA")
    assert (item.total, item.reserved) == (6, 0)


async def test_each_command_again_changes_nothing(shop: Shop):
    await shop.handle(RECEIVE)
    for version, command in enumerate((RESERVE, RELEASE), start=1):
        assert (await shop.handle(command)).version == version
        assert (await shop.handle(command)).version == version


async def test_a_reserve_that_comes_after_the_release_changes_nothing(shop: Shop):
    await shop.handle(RELEASE)
    await shop.handle(RECEIVE)
    assert (await shop.handle(RESERVE)).version == 1
    assert (await shop.stock.load("TEA")).reserved == 0


async def test_a_reserve_caused_long_ago_changes_nothing(shop: Shop):
    await shop.handle(RECEIVE)
    old = RESERVE.model_copy(update={"caused_at": NOW - timedelta(days=31)})
    assert (await shop.handle(old)).version == 0
    recent = RESERVE.model_copy(update={"caused_at": NOW - timedelta(days=29)})
    assert (await shop.handle(recent)).version == 1


async def test_more_than_available_is_refused_with_what_is(shop: Shop):
    await refused(shop, RESERVE, "insufficient-stock")
    await shop.handle(RECEIVE)
    with pytest.raises(Refused, match="11 of TEA are wanted, 10 are available"):
        await shop.handle(RESERVE.model_copy(update={"quantity": 11}))


async def test_counted_below_what_is_reserved_is_refused(shop: Shop):
    await shop.handle(RECEIVE)
    await shop.handle(RESERVE)
    count = AdjustStock(sku="TEA", location="main", counted=3, reason="counted")
    await refused(shop, count, "below-reserved")
    assert (await shop.handle(count.model_copy(update={"counted": 4}))).version == 2


@pytest.mark.parametrize(
    "command", [AdjustStock(sku="TEA", location="main", counted=3, reason="counted"), ISSUE]
)
async def test_stock_that_was_never_opened_is_not_found(shop: Shop, command: Command):
    await refused(shop, command, "stock-not-found", kind=NotFound)


async def test_issuing_what_is_not_reserved_is_refused(shop: Shop):
    await shop.handle(RECEIVE)
    await refused(shop, ISSUE, "nothing-reserved")


async def test_a_newer_reserve_of_an_issued_order_is_refused(shop: Shop):
    for command in (RECEIVE, RESERVE, ISSUE):
        await shop.handle(command)
    assert (await shop.handle(ISSUE)).version == 2
    assert (await shop.handle(RESERVE)).version == 2
    await refused(shop, RESERVE.model_copy(update={"order_version": 1}), "already-issued")


class TestMapping:
    async def test_a_product_is_kept_under_its_sku(self, shop: Shop):
        tea = await shop.product()
        first = await shop.handle(MapProduct(product_id=tea, sku="TEA"))
        again = await shop.handle(MapProduct(product_id=tea, sku="TEA"))
        assert again == first
        assert await shop.layer.sku_of(tea) == "TEA"

    async def test_an_unmapped_product_is_named(self, shop: Shop):
        tea = await shop.product()
        with pytest.raises(Refused, match=tea) as raised:
            await shop.layer.sku_of(tea)
        assert raised.value.code == "product-not-mapped"

    async def test_an_unknown_product_is_not_found(self, shop: Shop):
        unknown = MapProduct(product_id=uid(9), sku="TEA")
        await refused(shop, unknown, "product-not-found", kind=NotFound)

    async def test_it_stays_one_to_one(self, shop: Shop):
        tea, cake = await shop.product(), await shop.product()
        await shop.handle(MapProduct(product_id=tea, sku="TEA"))
        await refused(shop, MapProduct(product_id=tea, sku="CAKE"), "product-already-mapped")
        await refused(shop, MapProduct(product_id=cake, sku="TEA"), "sku-already-mapped")
        await shop.handle(MapProduct(product_id=cake, sku="CAKE"))
        assert await shop.types("sku_mapping-all") == ["ProductMapped"] * 2

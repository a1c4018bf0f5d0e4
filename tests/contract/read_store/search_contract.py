"""Filters of every kind, alone and together, and every sort."""

from __future__ import annotations

import pytest

from read_side.port import AnyOf, Between, Either, FieldNotIndexed, Matches, Search
from tests.contract.read_store.support import ORDERS, fill, found, later, line, order

HUGE = 2**70


@pytest.mark.usefixtures("some_orders")
class SearchContract:
    @pytest.fixture
    async def some_orders(self, store, orders):
        await fill(
            store,
            orders,
            order("a", customer="c1", status="created", at=later(1), reference="R-1"),
            order("b", customer="c2", status="confirmed", items=[line("p1", 2, 1000)], at=later(2)),
            order(
                "c",
                customer="c1",
                status="shipped",
                items=[line("p1", 1, 500), line("p2", 30, 100)],
                at=later(3),
            ),
            order("d", customer="c3", status="created", total=-5, currency="JPY", at=later(4)),
        )

    async def test_any_of(self, store, subtests):
        cases = [
            (AnyOf("status", ("created",)), "ad"),
            (AnyOf("status", ("created", "shipped", "never")), "acd"),
            (AnyOf("status", ()), ""),
            (AnyOf("status", ("Created",)), ""),
            (AnyOf("status", ("create",)), ""),
            (AnyOf("status", ("created' OR '1'='1",)), ""),
            (AnyOf("status", ("\ud800", "a\0b", 5, HUGE)), ""),
            (AnyOf("external_reference", ("R-1",)), "a"),
            (AnyOf("total_amount.currency", ("JPY",)), "d"),
            (AnyOf("total_amount.minor", (2000, -5)), "bd"),
            (AnyOf("total_amount.minor", (HUGE, -HUGE, "2000")), ""),
            (AnyOf("total_amount.minor", (HUGE, 2000)), "b"),
            (AnyOf("items.product_id", ("p1",)), "bc"),
            (AnyOf("items.product_id", ("p2", "p3")), "c"),
            (AnyOf("items.quantity", (2, 30)), "bc"),
            (AnyOf("items.product_id", (HUGE,)), ""),
            (AnyOf("created_at", ("2026-01-05T10:03:00.000000Z",)), "c"),
        ]
        for condition, expected in cases:
            with subtests.test(case=condition):
                assert await found(store, condition) == list(expected)

    async def test_between(self, store, subtests):
        cases = [
            (Between("created_at", "2026-01-05T10:02:00.000000Z"), "bcd"),
            (Between("created_at", None, "2026-01-05T10:02:00.000000Z"), "a"),
            (Between("created_at", "2026-01-05T10:02", "2026-01-05T10:04"), "bc"),
            (Between("created_at", "2026-01-05", "2026-01-06"), "abcd"),
            (Between("created_at", "2027", "2026"), ""),
            (Between("created_at"), "abcd"),
            (Between("created_at", 5), ""),
            (Between("created_at", "\ud800"), ""),
            (Between("status", "created", "d"), "ad"),
            (Between("total_amount.minor", 2000), "bc"),
            (Between("total_amount.minor", 2000, 3500), "b"),
            (Between("total_amount.minor", None, 0), "d"),
            (Between("total_amount.minor", -HUGE, HUGE), "bcd"),
            (Between("total_amount.minor", HUGE), ""),
            (Between("total_amount.minor", None, -HUGE), ""),
            (Between("total_amount.minor", "2000"), ""),
            (Between("total_amount.minor", True), ""),
            (Between("total_amount.minor"), "abcd"),
            (Between("items.quantity", 3), "c"),
            (Between("items.quantity", 3, 20), ""),
            (Between("items.line_total.minor", None, 2001), "bc"),
        ]
        for condition, expected in cases:
            with subtests.test(case=condition):
                assert await found(store, condition) == list(expected)

    async def test_either(self, store, subtests):
        cases = [
            ((AnyOf("customer_id", ("c2",)), AnyOf("status", ("shipped",))), "bc"),
            ((Matches("nobody"), Between("total_amount.minor", 3000)), "c"),
            ((Matches("lovelace"), AnyOf("customer_id", ("c2",))), "abcd"),
            ((AnyOf("items.product_id", ("p2",)), AnyOf("customer_id", ("c3",))), "cd"),
            ((AnyOf("customer_id", ()),), ""),
            ((Matches("!"), AnyOf("customer_id", ())), "abcd"),
            ((), ""),
        ]
        for either, expected in cases:
            with subtests.test(case=either):
                assert await found(store, Either(either)) == list(expected)

    async def test_all_conditions_must_hold(self, store):
        mine, open_ = AnyOf("customer_id", ("c1",)), AnyOf("status", ("created", "confirmed"))
        either = Either((AnyOf("customer_id", ("c2",)), AnyOf("external_reference", ("R-1",))))
        assert await found(store, mine, open_) == ["a"]
        assert await found(store, mine, open_, Between("total_amount.minor", 0)) == []
        assert await found(store, open_, either) == ["a", "b"]
        assert await found(store, Matches("ada"), either, mine) == ["a"]

    async def test_thousands_of_values_are_one_condition(self, store):
        many = ("c2", *(f"x{n}" for n in range(40_000)))
        assert await found(store, AnyOf("customer_id", many)) == ["b"]
        numbers = (2000, *range(100_000, 102_000))
        assert await found(store, AnyOf("total_amount.minor", numbers)) == ["b"]

    async def test_sort(self, store, subtests):
        cases = [
            (None, "abcd"),
            ("id", "abcd"),
            ("-id", "dcba"),
            ("created_at", "abcd"),
            ("-created_at", "dcba"),
            ("status", "badc"),
            ("-status", "cdab"),
            ("total_amount.minor", "dbca"),
            ("-total_amount.minor", "acbd"),
            ("external_reference", "abcd"),
            ("-external_reference", "dcba"),
        ]
        for sort, expected in cases:
            with subtests.test(case=sort):
                assert await found(store, sort=sort) == list(expected)

    async def test_whole_documents_come_back(self, store):
        page = await store.search(ORDERS, Search((AnyOf("status", ("confirmed",)),)))
        assert page.documents == [await store.get(ORDERS, "b")]
        assert page.next_cursor is None

    async def test_field_that_is_not_indexed_is_named(self, store, subtests):
        cases = [
            Search((AnyOf("nothing", ("x",)),)),
            Search((AnyOf("shipping_address.city", ("London",)),)),
            Search((Either((Between("items.product_name", "a"),)),)),
            Search(sort="version"),
            Search(sort="--id"),
            Search(sort="items.quantity"),
            Search(sort="shipping_address.city"),
        ]
        for search in cases:
            with subtests.test(case=search), pytest.raises(FieldNotIndexed):
                await store.search(ORDERS, search)

    async def test_limit_out_of_range_is_a_mistake_of_the_caller(self, store, subtests):
        cases = [0, -1, 10_001, HUGE]
        for limit in cases:
            with subtests.test(case=limit), pytest.raises(ValueError, match="page"):
                await store.search(ORDERS, Search(limit=limit))

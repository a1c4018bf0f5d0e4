"""Counts and sums, as reports need them."""

from __future__ import annotations

import pytest

from read_side.port import AnyOf, Between, Either, FieldNotIndexed, Matches, SumRow
from tests.contract.read_store.support import ORDERS, fill, later, line, order

UNITS, REVENUE, TOTAL = "items.quantity", "items.line_total.minor", "total_amount.minor"
DAY = 24 * 60


class Sold:
    @pytest.fixture
    async def sold(self, store, orders):
        await fill(
            store,
            orders,
            order("a", items=[line("p1", 2, 1000), line("p2", 1, 50)], status="confirmed"),
            order("b", items=[line("p1", 3, 900), line("p1", 1, 1000)], status="shipped"),
            order("c", items=[line("p2", 10, 50)], at=later(DAY), status="confirmed", city="Wien"),
            order("d", at=later(DAY), customer="c2"),
            order("e", items=[line("p3", 7, 1)], at=later(2 * DAY), status="cancelled"),
        )


@pytest.mark.usefixtures("sold")
class CountContract(Sold):
    async def test_counts_by_value(self, store):
        counts = await store.count_by(ORDERS, "status")
        assert counts == {"cancelled": 1, "confirmed": 2, "created": 1, "shipped": 1}

    @pytest.mark.parametrize(
        ("conditions", "expected"),
        [
            ([AnyOf("customer_id", ("c2",))], {"created": 1}),
            ([AnyOf("customer_id", ("nobody",))], {}),
            ([Between("created_at", "2026-01-06")], {"cancelled": 1, "confirmed": 1, "created": 1}),
            ([Matches("wien")], {"confirmed": 1}),
            ([AnyOf("items.product_id", ("p1",))], {"confirmed": 1, "shipped": 1}),
            (
                [Either((Matches("wien"), AnyOf("status", ("shipped",))))],
                {"confirmed": 1, "shipped": 1},
            ),
        ],
    )
    async def test_counts_what_meets_the_conditions(self, store, conditions, expected):
        assert await store.count_by(ORDERS, "status", conditions) == expected

    async def test_counts_documents_by_a_nested_value(self, store):
        assert await store.count_by(ORDERS, "items.product_id") == {"p1": 2, "p2": 2, "p3": 1}

    async def test_document_without_the_field_is_not_counted(self, store):
        assert await store.count_by(ORDERS, "total_amount.currency") == {"EUR": 4}
        assert await store.count_by(ORDERS, "external_reference") == {}

    @pytest.mark.parametrize("field", ["total_amount.minor", "created_at", "items", "x", UNITS])
    async def test_only_keywords_are_counted_by(self, store, field):
        with pytest.raises(FieldNotIndexed):
            await store.count_by(ORDERS, field)


@pytest.mark.usefixtures("sold")
class SumsContract(Sold):
    async def test_by_day_with_fields_of_the_document_and_of_its_lines(self, store):
        rows = await store.sums(ORDERS, group_by="created_day", fields=[UNITS, REVENUE, TOTAL])
        assert rows == [
            SumRow("2026-01-05", 2, {UNITS: 7, REVENUE: 5750, TOTAL: 5750}),
            SumRow("2026-01-06", 2, {UNITS: 10, REVENUE: 500, TOTAL: 500}),
            SumRow("2026-01-07", 1, {UNITS: 7, REVENUE: 7, TOTAL: 7}),
        ]

    async def test_by_product_each_document_once_and_its_own_lines(self, store):
        rows = await store.sums(ORDERS, group_by="items.product_id", fields=[UNITS, REVENUE])
        assert rows == [
            SumRow("p1", 2, {UNITS: 6, REVENUE: 5700}),
            SumRow("p2", 2, {UNITS: 11, REVENUE: 550}),
            SumRow("p3", 1, {UNITS: 7, REVENUE: 7}),
        ]

    async def test_conditions_choose_documents_not_lines(self, store):
        rows = await store.sums(
            ORDERS,
            group_by="items.product_id",
            fields=[UNITS],
            conditions=[AnyOf("items.product_id", ("p2",)), Between(TOTAL, 1000)],
        )
        assert rows == [SumRow("p1", 1, {UNITS: 2}), SumRow("p2", 1, {UNITS: 1})]

    async def test_report_leaves_out_cancelled_and_other_currencies(self, store, orders):
        await fill(store, orders, order("y", total=100, currency="JPY", status="confirmed"))
        kept = ("created", "confirmed", "shipped", "delivered")
        conditions = [
            AnyOf("status", kept),
            AnyOf("total_amount.currency", ("EUR",)),
            Between("created_at", "2026-01-05T00:00:00.000000Z", "2026-01-07T00:00:00.000000Z"),
        ]
        rows = await store.sums(
            ORDERS, group_by="created_day", fields=[UNITS, TOTAL], conditions=conditions
        )
        assert rows == [
            SumRow("2026-01-05", 2, {UNITS: 7, TOTAL: 5750}),
            SumRow("2026-01-06", 1, {UNITS: 10, TOTAL: 500}),
        ]

    async def test_documents_alone_can_be_asked_for(self, store):
        rows = await store.sums(ORDERS, group_by="status", fields=[])
        assert [(row.key, row.documents, row.sums) for row in rows] == [
            ("cancelled", 1, {}),
            ("confirmed", 2, {}),
            ("created", 1, {}),
            ("shipped", 1, {}),
        ]

    async def test_nothing_to_sum_is_zero(self, store):
        rows = await store.sums(
            ORDERS,
            group_by="status",
            fields=[UNITS, TOTAL],
            conditions=[AnyOf("customer_id", ("c2",))],
        )
        assert rows == [SumRow("created", 1, {UNITS: 0, TOTAL: 0})]
        nobody = [AnyOf("customer_id", ("nobody",))]
        assert await store.sums(ORDERS, group_by="status", fields=[TOTAL], conditions=nobody) == []

    async def test_conditions_on_text_and_lists_hold_for_sums(self, store):
        rows = await store.sums(
            ORDERS,
            group_by="created_day",
            fields=[UNITS],
            conditions=[Matches("wien tea"), AnyOf(UNITS, (10,))],
        )
        assert rows == [SumRow("2026-01-06", 1, {UNITS: 10})]

    async def test_sums_beyond_64_bits_are_exact(self, store, orders):
        big = 10**18 - 1
        await fill(store, orders, *(order(f"z{n}", total=big, customer="rich") for n in range(20)))
        await fill(store, orders, *(order(f"n{n}", total=-big, customer="poor") for n in range(20)))
        rows = await store.sums(ORDERS, group_by="customer_id", fields=[TOTAL])
        sums = {row.key: row.sums[TOTAL] for row in rows}
        assert (sums["rich"], sums["poor"]) == (20 * big, -20 * big)

    @pytest.mark.parametrize(
        ("group_by", "fields"),
        [
            ("created_at", []),
            (TOTAL, []),
            ("nothing", []),
            ("status", ["status"]),
            ("status", ["items.product_name"]),
            ("items.product_id", [TOTAL]),
        ],
    )
    async def test_what_can_not_be_summed_is_named(self, store, group_by, fields):
        with pytest.raises(FieldNotIndexed):
            await store.sums(ORDERS, group_by=group_by, fields=fields)

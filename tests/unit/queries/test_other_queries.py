from datetime import timedelta
from random import Random

import pytest

from contracts.documents import ORDER_DETAILS
from contracts.errors import NotFound
from contracts.values import Actor
from read_side.queries.paging import PageWanted
from read_side.queries.products import get_product, list_products
from read_side.queries.reports import sales
from read_side.queries.stock import get_stock, list_stock
from read_side.queries.users import get_user, list_users
from tests.support.read_models import BEGIN, money, order, stored

OPERATOR = Actor("user", "op", ("operator",))
ALL = PageWanted()


async def test_catalogue_when_listed_then_by_name_whatever_its_case(documents, made):
    page = await list_products(documents, ALL)
    names = [shown["name"] for shown in page["items"]]
    assert names == ["Chicory", "coffee", "Tea", "Zucchini", "Éclair"]
    first = await list_products(documents, PageWanted(2))
    rest = await list_products(documents, PageWanted(5, first["next_cursor"]))
    assert [shown["name"] for shown in first["items"] + rest["items"]] == names


async def test_catalogue_when_searched_then_by_words_and_status(documents):
    async def names(**wanted):
        page = await list_products(documents, ALL, **wanted)
        return [shown["name"] for shown in page["items"]]

    assert await names(q="fin tea") == ["Tea"]
    assert await names(q="ECLAIR") == ["Éclair"]
    assert await names(q="sawdust") == []
    assert await names(status="discontinued") == ["Chicory"]


async def test_product_when_seen_then_shape(documents, made):
    tea = made.products[0]
    assert await get_product(documents, tea["id"]) == {
        "id": tea["id"],
        "version": 1,
        "name": "Tea",
        "description": "Finest Tea",
        "price": {"amount": "12.50", "currency": "EUR"},
        "status": "active",
    }
    with pytest.raises(NotFound):
        await get_product(documents, "x" * 5000)


async def test_users_when_listed_then_newest_first_and_found_by_words(documents, made):
    page = await list_users(documents, ALL)
    assert [user["name"] for user in page["items"]] == [
        one["name"] for one in reversed(made.customers)
    ]
    found = await list_users(documents, ALL, q="ada")
    assert [user["name"] for user in found["items"]] == ["Ada Yonath", "Ada Lovelace"]
    found = await list_users(documents, ALL, q="alan.turing@example.com")
    assert [user["name"] for user in found["items"]] == ["Alan Turing"]


async def test_user_when_seen_then_by_oneself_and_operators_only(documents, made):
    ada, grace = made.customers[0], made.customers[1]
    expected = {
        "id": ada["id"],
        "version": 0,
        "name": "Ada Lovelace",
        "email": "ada.lovelace@example.com",
        "roles": ["customer"],
        "status": "active",
    }
    assert await get_user(documents, Actor("user", ada["id"], ("customer",)), ada["id"]) == expected
    assert await get_user(documents, OPERATOR, ada["id"]) == expected
    for actor, user_id in (
        (Actor("user", grace["id"], ("customer",)), ada["id"]),
        (Actor("anonymous", ada["id"]), ada["id"]),
        (OPERATOR, "nobody"),
    ):
        with pytest.raises(NotFound):
            await get_user(documents, actor, user_id)


async def test_stock_when_listed_then_by_sku_and_below_a_number(documents, made):
    page = await list_stock(documents, ALL)
    assert [level["sku"] for level in page["items"]] == [one["sku"] for one in made.stock]
    for below in (0, 1, 18, 19, 10**30):
        page = await list_stock(documents, ALL, below=below)
        assert [level["sku"] for level in page["items"]] == [
            one["sku"] for one in made.stock if one["available"] < below
        ]


async def test_stock_when_seen_then_shape_without_reservations(documents):
    assert await get_stock(documents, "SKU.003") == {
        "sku": "SKU.003",
        "version": 2,
        "on_hand": 30,
        "reserved": 3,
        "available": 27,
        "locations": [{"location": "paris", "on_hand": 30}],
    }
    with pytest.raises(NotFound):
        await get_stock(documents, "SKU.999")


def _plain_report(orders, by, currency, begin=None, end=None):
    rows: dict[str, list] = {}
    for one in orders:
        total = one["total_amount"]
        if one["status"] == "cancelled" or total is None or total["currency"] != currency:
            continue
        if (begin and one["created_at"] < stored(begin)) or (
            end and one["created_at"] >= stored(end)
        ):
            continue
        for item in one["items"]:
            key = one["created_at"][:10] if by == "day" else item["product_id"]
            row = rows.setdefault(key, [set(), 0, 0])
            row[0].add(one["id"])
            row[1] += item["quantity"]
            row[2] += item["line_total"]["minor"]
    return [
        {
            "key": key,
            "orders": len(rows[key][0]),
            "units": rows[key][1],
            "revenue": _shown(rows[key][2], currency),
        }
        for key in sorted(rows)
    ], _shown(sum(row[2] for row in rows.values()), currency)


def _shown(minor, currency):
    amount = money(minor, currency)
    return {"amount": amount["amount"], "currency": currency}


@pytest.mark.parametrize("by", ["day", "product"])
@pytest.mark.parametrize("currency", ["EUR", "JPY", "KWD", "USD"])
@pytest.mark.parametrize("span", [(None, None), (30, None), (None, 30), (20, 50)])
async def test_sales_when_reported_then_as_plain_python_adds_up(
    documents, made, by, currency, span
):
    begin, end = (None if hour is None else BEGIN + timedelta(hours=hour) for hour in span)
    report = await sales(documents, by=by, currency=currency, created_from=begin, created_to=end)
    rows, total = _plain_report(made.orders, by, currency, begin, end)
    assert report == {"rows": rows, "total": total}


async def test_sales_when_sums_leave_64_bits_then_still_exact(filled, documents, made):
    chance = Random(3)
    huge = 10**18 - 1
    for _ in range(20):
        one = order(chance, made.customers[0]["id"], made.products[:1], BEGIN, currency="CHF")
        one["items"][0]["line_total"] = one["total_amount"] = money(huge, "CHF")
        await filled.put(ORDER_DETAILS, one)
    for by in ("day", "product"):
        report = await sales(documents, by=by, currency="CHF")
        assert report["total"] == {"amount": "199999999999999999.80", "currency": "CHF"}

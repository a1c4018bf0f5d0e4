from datetime import timedelta
from random import Random

import pytest

from contracts.documents import CUSTOMERS, ORDER_DETAILS
from contracts.errors import NotFound
from contracts.values import SYSTEM, Actor
from read_side.port import InvalidCursor
from read_side.queries.orders import OrderFilter, customer_orders, get_order, list_orders
from read_side.queries.paging import PageWanted
from tests.support.read_models import BEGIN, customer, order, stored

OPERATOR = Actor("user", "op", ("operator",))
ALL = PageWanted(limit=200)


def as_customer(user_id: str) -> Actor:
    return Actor("user", user_id, ("customer",))


def ids(page) -> list[str]:
    return [shown["id"] for shown in page["items"]]


async def all_pages(ask, limit: int) -> list[str]:
    found, cursor = [], None
    while True:
        page = await ask(PageWanted(limit, cursor))
        found += ids(page)
        cursor = page["next_cursor"]
        if cursor is None:
            return found


async def test_order_when_seen_then_shape_and_latest_customer(filled, documents, made):
    wanted = next(one for one in made.orders if one["items"] and one["external_reference"])
    whose = next(one for one in made.customers if one["id"] == wanted["customer_id"])
    await filled.put(CUSTOMERS, whose | {"name": "New Name", "email": "new@example.com"})
    view = await get_order(documents, OPERATOR, wanted["id"])
    first = wanted["items"][0]
    assert view == {
        "id": wanted["id"],
        "version": 3,
        "customer_id": wanted["customer_id"],
        "customer_name": "New Name",
        "customer_email": "new@example.com",
        "status": wanted["status"],
        "items": view["items"],
        "total_amount": {
            "amount": wanted["total_amount"]["amount"],
            "currency": wanted["total_amount"]["currency"],
        },
        "shipping_address": wanted["shipping_address"],
        "created_at": view["created_at"],
        "updated_at": view["updated_at"],
        "external_reference": wanted["external_reference"],
    }
    assert view["items"][0] == {
        "item_id": first["item_id"],
        "product_id": first["product_id"],
        "product_name": first["product_name"],
        "quantity": first["quantity"],
        "unit_price": {
            "amount": first["unit_price"]["amount"],
            "currency": first["unit_price"]["currency"],
        },
        "line_total": {
            "amount": first["line_total"]["amount"],
            "currency": first["line_total"]["currency"],
        },
    }


async def test_order_of_unknown_customer_when_seen_then_no_name(filled, documents):
    lone = order(Random(7), "nobody-yet", [], BEGIN)
    await filled.put(ORDER_DETAILS, lone)
    view = await get_order(documents, OPERATOR, lone["id"])
    assert (view["customer_name"], view["customer_email"]) == (None, None)
    assert view["total_amount"] is None


@pytest.mark.parametrize("role", ["operator", "auditor", "service"])
async def test_order_when_privileged_then_seen(documents, made, role):
    wanted = made.orders[0]["id"]
    assert (await get_order(documents, Actor("user", "x", (role,)), wanted))["id"] == wanted
    assert (await get_order(documents, SYSTEM, wanted))["id"] == wanted


async def test_customer_when_another_asks_then_nothing_is_seen(documents, made):
    mine, other = made.customers[0]["id"], made.customers[1]["id"]
    actor = as_customer(mine)
    theirs = next(one["id"] for one in made.orders if one["customer_id"] == other)
    for refused in (
        get_order(documents, actor, theirs),
        get_order(documents, Actor("anonymous", "anonymous"), theirs),
        get_order(documents, Actor("anonymous", other), theirs),
        get_order(documents, actor, "00000000-0000-4000-8000-000000000000"),
        customer_orders(documents, actor, OrderFilter(customer_id=other), ALL),
    ):
        with pytest.raises(NotFound):
            await refused
    empty = {"items": [], "next_cursor": None, "counts": {}}
    assert await list_orders(documents, actor, OrderFilter(customer_id=other), ALL) == empty
    own = {one["id"] for one in made.orders if one["customer_id"] == mine}
    for wanted in (OrderFilter(), OrderFilter(customer_id=mine)):
        page = await list_orders(documents, actor, wanted, ALL)
        assert set(ids(page)) == own
        assert sum(page["counts"].values()) == len(own)


async def test_customer_when_searching_another_ones_name_then_nothing(documents, made):
    ada, grace = made.customers[0], made.customers[1]
    found = await list_orders(documents, as_customer(grace["id"]), OrderFilter(q="lovelace"), ALL)
    assert found["items"] == []
    found = await list_orders(documents, as_customer(ada["id"]), OrderFilter(q="lovelace"), ALL)
    assert set(ids(found)) == {one["id"] for one in made.orders if one["customer_id"] == ada["id"]}


async def test_customer_without_orders_when_listed_then_empty_but_unknown_is_not_found(
    filled, documents
):
    await filled.put(CUSTOMERS, customer("new-one", "New One", "one@example.com"))
    wanted = OrderFilter(customer_id="new-one")
    assert (await customer_orders(documents, OPERATOR, wanted, ALL))["items"] == []
    nobody = OrderFilter(customer_id="nobody")
    with pytest.raises(NotFound):
        await customer_orders(documents, OPERATOR, nobody, ALL)
    # Registered a moment ago and not projected yet: an empty list, not "unknown".
    assert (await customer_orders(documents, as_customer("nobody"), nobody, ALL))["items"] == []


def _has(one, **wanted) -> bool:
    total = one["total_amount"]
    checks = {
        "status": lambda value: one["status"] == value,
        "customer_id": lambda value: one["customer_id"] == value,
        "product_id": lambda value: any(item["product_id"] == value for item in one["items"]),
        "created_from": lambda value: one["created_at"] >= stored(value),
        "created_to": lambda value: one["created_at"] < stored(value),
        "currency": lambda value: total is not None and total["currency"] == value,
        "min_total": lambda value: total is not None and total["minor"] >= value,
        "max_total": lambda value: total is not None and total["minor"] <= value,
    }
    return all(checks[name](value) for name, value in wanted.items())


def _filters(made) -> list[dict]:
    total = next(o["total_amount"]["minor"] for o in made.orders if _has(o, currency="EUR"))
    span = {
        "created_from": BEGIN + timedelta(hours=10),
        "created_to": BEGIN + timedelta(hours=40, microseconds=120_000),
    }
    buyer, bought = made.customers[2]["id"], made.products[1]["id"]
    return [
        {},
        {"status": "confirmed"},
        {"customer_id": buyer},
        {"product_id": bought},
        span,
        {"currency": "JPY"},
        {"currency": "EUR", "min_total": total},
        {"currency": "EUR", "max_total": total},
        {"currency": "EUR", "min_total": total, "max_total": total},
        {"currency": "EUR", "min_total": 10**30},
        {"currency": "EUR", "max_total": 10**30},
        {"status": "shipped", "currency": "EUR", **span},
        {"customer_id": buyer, "product_id": bought, "status": "created"},
    ]


@pytest.mark.parametrize("number", range(13))
async def test_orders_when_filtered_then_as_plain_python_says(documents, made, number):
    wanted = _filters(made)[number]
    page = await list_orders(documents, OPERATOR, OrderFilter(**wanted), ALL)
    expected = [one for one in made.orders if _has(one, **wanted)]
    assert sorted(ids(page)) == sorted(one["id"] for one in expected)
    without = {name: value for name, value in wanted.items() if name != "status"}
    counts: dict[str, int] = {}
    for one in made.orders:
        if _has(one, **without):
            counts[one["status"]] = counts.get(one["status"], 0) + 1
    assert page["counts"] == counts


async def test_orders_when_searched_by_text_then_words_customers_ids_references(documents, made):
    def expected(check) -> set[str]:
        return {one["id"] for one in made.orders if check(one)}

    async def found(text: str) -> set[str]:
        return set(ids(await list_orders(documents, OPERATOR, OrderFilter(q=text), ALL)))

    adas = {made.customers[0]["id"], made.customers[4]["id"]}
    assert await found("ada") == expected(lambda one: one["customer_id"] in adas)
    assert await found("grace.hopper@example.com") == expected(
        lambda one: one["customer_id"] == made.customers[1]["id"]
    )
    assert await found("eclair") == expected(
        lambda one: any(item["product_name"] == "Éclair" for item in one["items"])
    )
    assert await found("koln") == expected(lambda one: one["shipping_address"]["city"] == "Köln")
    assert await found(f" {made.orders[5]['id'].upper()} ") == {made.orders[5]["id"]}
    assert await found("REF-10") == {made.orders[10]["id"]}
    assert await found("nothing of the kind") == set()
    assert await found("%*'\"()") == expected(lambda one: True)


@pytest.mark.parametrize("sort", ["created_at", "-created_at", "total", "-total", "status"])
@pytest.mark.parametrize("limit", [1, 7, 200])
async def test_orders_when_paged_then_each_once_and_in_order(documents, made, sort, limit):
    wanted = OrderFilter(currency="EUR")

    async def ask(page):
        return await list_orders(documents, OPERATOR, wanted, page, sort)

    found = await all_pages(ask, limit)
    by_id = {one["id"]: one for one in made.orders}
    values = {
        "created_at": lambda one: one["created_at"],
        "total": lambda one: one["total_amount"]["minor"],
        "status": lambda one: one["status"],
    }[sort.removeprefix("-")]
    shown = [values(by_id[one]) for one in found]
    assert shown == sorted(shown, reverse=sort.startswith("-"))
    assert sorted(found) == sorted(one["id"] for one in made.orders if _has(one, currency="EUR"))


async def test_paging_by_text_when_customers_change_meanwhile_then_it_goes_on(
    filled, documents, made
):
    wanted = OrderFilter(q="ada")
    first = await list_orders(documents, OPERATOR, wanted, PageWanted(3))
    await filled.put(CUSTOMERS, customer("another", "Ada Byron", "byron@example.com"))

    async def ask(page):
        return await list_orders(
            documents, OPERATOR, wanted, PageWanted(3, page.cursor or first["next_cursor"])
        )

    rest = await all_pages(ask, 3)
    adas = {made.customers[0]["id"], made.customers[4]["id"]}
    assert sorted(ids(first) + rest) == sorted(
        one["id"] for one in made.orders if one["customer_id"] in adas
    )


async def test_cursor_when_used_for_another_list_then_invalid(documents, made):
    mine = made.customers[0]["id"]
    page = await list_orders(documents, OPERATOR, OrderFilter(), PageWanted(2))
    cursor = PageWanted(2, page["next_cursor"])
    for actor, wanted, sort in (
        (OPERATOR, OrderFilter(status="created"), "-created_at"),
        (OPERATOR, OrderFilter(), "created_at"),
        (as_customer(mine), OrderFilter(), "-created_at"),
    ):
        with pytest.raises(InvalidCursor):
            await list_orders(documents, actor, wanted, cursor, sort)

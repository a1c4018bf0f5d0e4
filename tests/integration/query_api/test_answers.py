"""What the query API answers when all is well."""

from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

import pytest

from contracts.documents import ORDER_DETAILS
from contracts.parked import ParkedStream
from event_store.errors import EventStoreUnavailable
from read_side.freshness import RebuildState
from tests.support.read_models import BEGIN, order, stored


async def test_order_when_seen_then_shape_etag_and_freshness(api, made):
    wanted = next(one for one in made.orders if one["items"])
    answer = await api.get(f"/api/orders/{wanted['id']}")
    assert answer.status_code == 200
    assert answer.headers["etag"] == '"3"'
    assert answer.headers["read-model"] == "fresh"
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-correlation-id"]
    body = answer.json()
    assert list(body) == [
        "id", "version", "customer_id", "customer_name", "customer_email", "status", "items",
        "total_amount", "shipping_address", "created_at", "updated_at", "external_reference",
    ]  # fmt: skip
    assert set(body["total_amount"]) == {"amount", "currency"}
    moment = datetime.fromisoformat(wanted["created_at"])
    assert body["created_at"] == moment.isoformat().replace("+00:00", "Z")


async def test_order_when_asked_for_then_by_its_customer_operators_and_auditors(api, made):
    ada, grace = made.customers[0]["id"], made.customers[1]["id"]
    path = "/api/orders/" + next(one["id"] for one in made.orders if one["customer_id"] == ada)
    for who, status in ((ada, 200), ("operator", 200), ("auditor", 200), (grace, 404), (None, 401)):
        assert (await api.get(path, who)).status_code == status


async def test_orders_when_a_customer_lists_them_then_only_their_own(api, made):
    ada, grace = made.customers[0]["id"], made.customers[1]["id"]
    mine = {one["id"] for one in made.orders if one["customer_id"] == ada}
    nothing = {"items": [], "next_cursor": None, "counts": {}}
    for path in ("/api/orders", f"/api/customers/{ada}/orders"):
        page = (await api.get(path, ada, limit=200)).json()
        assert {one["id"] for one in page["items"]} == mine
        assert sum(page["counts"].values()) == len(mine)
        assert (await api.get(path, None)).status_code == 401
    assert (await api.get("/api/orders", grace, customer_id=ada)).json() == nothing
    assert (await api.get("/api/orders", grace, q="ada.lovelace@example.com")).json() == nothing
    assert (await api.get(f"/api/customers/{ada}/orders", grace)).status_code in (403, 404)


async def test_orders_when_paged_while_others_come_then_each_once(api, filled, made):
    chance, found, cursor = Random(5), [], {}
    buyer = made.customers[0]["id"]
    while True:
        page = (await api.get("/api/orders", limit=7, **cursor)).json()
        found += [one["id"] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
        newest = BEGIN + timedelta(days=100 + len(found))
        for moment in (newest, BEGIN + timedelta(hours=chance.randint(0, 90))):
            await filled.put(ORDER_DETAILS, order(chance, buyer, made.products[:1], moment))
    assert len(found) == len(set(found))
    assert {one["id"] for one in made.orders} <= set(found)


async def test_orders_when_every_filter_is_given_then_met(api, made):
    wanted = next(one for one in made.orders if one["items"])
    total = wanted["total_amount"]
    everything = {
        "q": wanted["items"][0]["product_name"],
        "status": wanted["status"],
        "customer_id": wanted["customer_id"],
        "product_id": wanted["items"][0]["product_id"],
        "from_": wanted["created_at"],
        "to": stored(datetime.fromisoformat(wanted["created_at"]) + timedelta(microseconds=1)),
        "currency": total["currency"],
        "min_total": total["amount"],
        "max_total": total["amount"],
        "sort": "-total",
        "limit": 1,
    }
    answer = await api.get("/api/orders", **everything)
    assert [one["id"] for one in answer.json()["items"]] == [wanted["id"]]
    assert answer.json()["counts"] == {wanted["status"]: 1}
    none = await api.get("/api/orders", **everything | {"to": wanted["created_at"]})
    assert none.json() == {"items": [], "next_cursor": None, "counts": {}}


async def test_dates_when_bare_then_midnight_utc(api, made):
    answer = await api.get("/api/orders", from_="2026-01-02", to="2026-01-03", limit=200)
    expected = {one["id"] for one in made.orders if one["created_day"] == "2026-01-02"}
    assert {one["id"] for one in answer.json()["items"]} == expected
    assert expected


async def test_lists_when_asked_then_pages(api, made):
    for path in ("/api/products", "/api/users", "/api/stock"):
        first = (await api.get(path, limit=2)).json()
        assert set(first) == {"items", "next_cursor"}
        second = (await api.get(path, limit=200, cursor=first["next_cursor"])).json()
        assert len(first["items"]) == 2
        assert second["next_cursor"] is None
        shown = [str(one) for one in first["items"] + second["items"]]
        assert len(set(shown)) == len(shown) == {"/api/stock": 7}.get(path, 5)


async def test_single_documents_when_seen_then_etag(api, made):
    ada = made.customers[0]["id"]
    for path, who, version in (
        (f"/api/products/{made.products[0]['id']}", None, 1),
        (f"/api/users/{ada}", ada, 0),
        ("/api/stock/SKU.003", "operator", 2),
    ):
        answer = await api.get(path, who)
        assert answer.status_code == 200
        assert answer.headers["etag"] == f'"{version}"'
        assert answer.json()["version"] == version


async def test_stock_when_below_then_only_that(api):
    answer = await api.get("/api/stock", below=10)
    assert [one["sku"] for one in answer.json()["items"]] == ["SKU.000", "SKU.001"]


@pytest.mark.parametrize("by", ["day", "product"])
async def test_sales_when_reported_then_total_is_the_sum(api, made, by):
    answer = await api.get("/api/reports/sales", by=by, currency="EUR")
    counted = [
        one
        for one in made.orders
        if one["status"] != "cancelled"
        and one["total_amount"]
        and one["total_amount"]["currency"] == "EUR"
    ]
    minor = sum(one["total_amount"]["minor"] for one in counted)
    body = answer.json()
    assert body["total"] == {"amount": f"{minor // 100}.{minor % 100:02}", "currency": "EUR"}
    assert set(body["rows"][0]) == {"key", "orders", "units", "revenue"}
    if by == "day":
        assert sum(row["orders"] for row in body["rows"]) == len(counted)


async def test_projections_when_listed_then_lag_and_parked(api, projections):
    projections.lags["customers"] = 12.5
    body = (await api.get("/api/projections")).json()
    customers = next(one for one in body["items"] if one["name"] == "customers")
    assert customers == {
        "name": "customers", "generation": 1, "state": "live", "lag_seconds": 12.5, "parked": 0,
        "rebuild": None, "partitions": {},
    }  # fmt: skip
    assert body["next_cursor"] is None


async def test_projection_when_a_rebuild_is_asked_for_then_it_is_accepted(api, projections):
    answer = await api.post("/api/projections/customers/rebuild")
    assert (answer.status_code, answer.json()["name"]) == (202, "customers")
    assert ("rebuild", "customers") in projections.asked
    assert (await api.post("/api/projections/weather/rebuild")).status_code == 404


async def test_projection_being_rebuilt_when_asked_for_again_then_refused(api, projections):
    projections.rebuilding["customers"] = RebuildState(2, "loading", 40, 100, None)
    listed = (await api.get("/api/projections")).json()["items"]
    assert {one["name"]: one["rebuild"] for one in listed}["customers"] == {
        "generation": 2, "phase": "loading", "done": 40, "total": 100, "error": None,
    }  # fmt: skip
    answer = await api.post("/api/projections/customers/rebuild")
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (
        409,
        "rebuild-under-way",
    )
    assert ("rebuild", "customers") not in projections.asked


@pytest.fixture
def parked(projections) -> ParkedStream:
    stream = ParkedStream("order_details", "order-1", 4, UUID(int=1), "KeyError", datetime.now(UTC))
    projections.parked_streams.append(stream)
    return stream


async def test_parked_when_listed_retried_and_discarded_then_asked_for(api, projections, parked):
    shown = {
        "id": "order_details:order-1", "projection": "order_details", "stream": "order-1",
        "version": 4, "error": "KeyError", "request": None,
    }  # fmt: skip
    assert (await api.get("/api/parked")).json() == {"items": [shown], "next_cursor": None}
    answer = await api.post(f"/api/parked/{parked.id}/retry")
    assert (answer.status_code, answer.json()) == (200, shown | {"request": "retry"})
    answer = await api.post(f"/api/parked/{parked.id}/discard", json={"reason": "a test"})
    assert (answer.status_code, answer.json()) == (200, shown | {"request": "discard"})
    assert projections.parked_streams[0].reason == "a test"


async def test_parked_when_unknown_or_without_reason_then_refused(api, projections, parked):
    assert (await api.post("/api/parked/nothing/retry")).status_code == 404
    unknown = await api.post("/api/parked/nothing/discard", json={"reason": "x"})
    assert unknown.status_code == 404
    for body in ({}, {"reason": " "}, {"reason": 7}, {"reason": "x", "more": 1}):
        answer = await api.post(f"/api/parked/{parked.id}/discard", json=body)
        assert answer.status_code == 422
    assert (await api.post(f"/api/parked/{parked.id}/discard")).status_code == 400
    assert projections.parked_streams == [parked]


async def test_operations_when_a_store_is_away_then_unavailable(api, projections):
    async def away():
        raise EventStoreUnavailable("no answer")

    projections.states = projections.parked = away
    for path in ("/api/projections", "/api/parked"):
        answer = await api.get(path)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


async def test_health_when_asked_then_alive_and_ready(api):
    assert (await api.get("/health/live", None)).json() == {"status": "ok"}
    assert (await api.get("/health/ready", None)).json()["status"] == "ok"

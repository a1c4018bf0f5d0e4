"""Whatever comes in, a problem document goes out, never a 5xx."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.support.audit import AUDITED, AUDITED_ORDER

ID = "0b1e7a54-5d8c-4b0e-8f6a-6f1d2c3b4a59"
HUGE = "9" * 5000
NASTY = ["", " ", "\0", "null", "NaN", "-1", HUGE, "é", "\ud7ff", "a" * 3000, "'--", "%00", "[]"]

REFUSED = {
    "/api/orders": [
        "limit=0", "limit=201", f"limit={HUGE}", "limit=1.5", "limit=NaN", "limit=",
        "status=unknown", "status=", "sort=price", "sort=", "customer_id=x", "product_id=%00",
        "from=yesterday", "from=2026-02-30", "to=2026-01-01T00:00:00+01:00", "from=", "to=%00",
        "min_total=5", "max_total=5", "sort=total", "sort=-total", "currency=XXQ", "currency=eur",
        "currency=EUR&min_total=1.005", "currency=EUR&min_total=NaN", "currency=EUR&max_total=1e30",
        f"currency=EUR&min_total={HUGE}", "currency=EUR&min_total=", "currency=JPY&max_total=1.5",
        "unknown=1", "version=1", "limit=1&limit=2", "created_from=2026-01-01", "q=" + "a" * 201,
        "currency=EUR&min_total=-Infinity", "currency=EUR&min_total=1e999999999999",
    ],
    "/api/products": ["limit=0", "status=new", "sort=name", "x=1", "q=a&q=b"],
    "/api/users": ["limit=abc", "x=1"],
    "/api/stock": ["below=-1", f"below={HUGE}", "below=1.5", "below=", "below=x"],
    f"/api/customers/{ID}/orders": [f"customer_id={ID}", "sort=total", "limit=0"],
    "/api/reports/sales": [
        "", "by=day", "currency=EUR&by=hour", "currency=", "currency=EUR&from=x",
        "currency=EUR&limit=5",
    ],
    f"/api/orders/{ID}": [
        "version=-1", "version=x", "version=", f"version={HUGE}", "version=1.5", "as_of=", "x=1",
        "as_of=yesterday", "version=1&as_of=2026-01-01", "version=1&version=1", "as_of=%00",
    ],
    f"/api/orders/{ID}/history": ["limit=0", "limit=201", "version=1", "cursor=a&cursor=a"],
    "/api/audit/streams/order-x": ["limit=0", "x=1", "from=2026-01-01"],
    "/api/audit/events": [
        "limit=0", "from=yesterday", "to=", "x=1", "actor=", "type=" + "a" * 201, "stream=order-x",
        "correlation_id=", "correlation_id=a&correlation_id=b", "recorded_from=2026-01-01",
    ],
    f"/api/audit/events/{ID}/consequences": ["limit=1"],
    f"/api/products/{ID}": ["x=1"],
    f"/api/users/{ID}": ["x=1"],
    "/api/stock/SKU.001": ["below=1"],
    "/api/projections": ["x=1"],
    "/api/parked": ["limit=1"],
}  # fmt: skip
NEEDED = {"currency"}
"""Parameters that are missed when they are left out."""
ACCEPTED = {
    "/api/orders": [
        "from=9999-12-31T23:59:59.999999-23:59", "to=0001-01-01T00:00:00%2B23:59",
        "from=9999-12-31&to=0001-01-01", "currency=EUR&min_total=999999999999999.99",
        "currency=EUR&max_total=-1.00", "q=", "q=%00", "q=%F0%9F%8D%B5", "q=%FF%FE", "q=*%22%27)(",
        "q=" + "a%20" * 50, "q=NEAR(a%20b)", "currency=KWD&sort=total&min_total=0.001", "q=AND",
    ],
    "/api/products": ["q=%00", "q=%22", "q=a%22b", "q=OR", "q=%F0%9F%8D%B5"],
    "/api/audit/events": [
        "actor=%00", "type=%F0%9F%8D%B5", "correlation_id=%FF%FE", "actor='--", "type=Nothing",
        "from=9999-12-31T23:59:59-23:59&to=0001-01-01", "to=9999-12-31", "from=0001-01-01",
    ],
    f"/api/audit/streams/{AUDITED}": ["limit=1"],
    f"/api/orders/{AUDITED_ORDER}": ["version=0", "as_of=9999-12-31"],
    "/api/users": ["q=@", "q=a@b.c", "q=-", "q=%00"],
    "/api/stock": [f"below={2**63 - 1}", "below=0"],
    "/api/reports/sales": [
        "currency=EUR&from=9999-12-31T23:59:59-23:59", "currency=EUR&to=0001-01-01",
        "currency=KWD&by=product",
    ],
}  # fmt: skip


def rows(table) -> list[str]:
    return [f"{path}?{query}" for path, queries in table.items() for query in queries]


@pytest.mark.parametrize("address", rows(REFUSED))
async def test_parameters_when_not_valid_then_422_that_names_them(api, address):
    answer = await api.client.get(address, headers=api.headers("operator"))
    assert answer.status_code == 422, answer.text
    body = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert body["type"].endswith("/invalid")
    assert all(set(error) == {"path", "message"} for error in body["errors"])
    assert body["errors"]
    names = dict(parse_qsl(urlsplit(address).query, keep_blank_values=True))
    for error in body["errors"]:
        assert error["path"] in {"", *names, *NEEDED}
        assert not error["message"].startswith("Value error")


@pytest.mark.parametrize("address", rows(ACCEPTED))
async def test_parameters_when_odd_but_valid_then_answered(api, address):
    answer = await api.client.get(address, headers=api.headers("operator"))
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/api/orders",
        "/api/products",
        "/api/users",
        "/api/stock",
        f"/api/customers/{ID}/orders",
        "/api/audit/events",
        f"/api/audit/streams/{AUDITED}",
        f"/api/orders/{AUDITED_ORDER}/history",
    ],
)
async def test_cursor_when_not_ours_then_bad_cursor(api, path, made):
    path = path.replace(ID, made.customers[0]["id"])
    for cursor in [*NASTY, "e30", "WyIiLG51bGwsIiJd"]:
        answer = await api.get(path, cursor=cursor)
        assert answer.status_code == 400, answer.text
        assert answer.json()["type"].endswith("/bad-cursor")


@pytest.mark.parametrize(
    "path",
    ["/api/orders/{}", "/api/products/{}", "/api/users/{}", "/api/stock/{}",
     "/api/customers/{}/orders", "/api/orders/{}?version=1", "/api/orders/{}/history",
     "/api/audit/streams/{}", "/api/audit/streams/order-{}", "/api/audit/events/{}/consequences"],
)  # fmt: skip
async def test_id_when_malformed_then_not_found(api, path):
    for text in ("x", ID.upper(), "%00", "%FF", "%ED%A0%80", "a" * 3000, "..%2F..", "%22", "%20"):
        answer = await api.client.get(path.format(text), headers=api.headers("operator"))
        assert answer.status_code == 404, (text, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "path", ["/api/orders", "/api/users", "/api/stock", "/api/reports/sales", "/api/parked"]
)
async def test_caller_when_not_allowed_then_before_anything_is_looked_at(api, path, made):
    assert (await api.get(path, None, nonsense=1)).status_code == 401
    if path != "/api/orders":
        assert (await api.get(path, made.customers[0]["id"], nonsense=1)).status_code == 403
    broken = await api.client.get(path, headers={"Authorization": "Bearer x"})
    assert broken.status_code == 401


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_method_when_not_allowed_then_said_so(api, method):
    answer = await api.client.request(method, "/api/orders")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET"


async def test_body_when_hostile_then_problem(api):
    for body, status in (
        (b"", 400), (b"{", 400), (b"[" * 100_000, 400), (b'{"reason": NaN}', 400),
        (b'{"reason": "\xff"}', 400), (b'{"reason": "\\ud800"}', 400), (b"[]", 422),
        (b'{"reason": ' + b"9" * 5000 + b"}", 400), (b" " * (1 << 20) + b"{}", 413),
    ):  # fmt: skip
        answer = await api.post("/api/parked/x/discard", content=body)
        assert answer.status_code == status, (body[:20], answer.text)
        assert answer.headers["content-type"] == "application/problem+json"

"""Read-your-writes and `Read-Model` over HTTP."""

import pytest

from tests.integration.query_api.conftest import Api
from tests.support.read_models import FakeProjections

PATHS = {
    "/api/orders": {"order_details", "customers"},
    "/api/orders/{order}": {"order_details", "customers"},
    "/api/customers/{ada}/orders": {"order_details", "customers"},
    "/api/products": {"product_catalogue"},
    "/api/products/{product}": {"product_catalogue"},
    "/api/users": {"customers"},
    "/api/users/{ada}": {"customers"},
    "/api/stock": {"stock_levels"},
    "/api/stock/SKU.001": {"stock_levels"},
    "/api/reports/sales?currency=EUR": {"order_details"},
}


def address(path: str, made) -> str:
    return path.format(
        order=made.orders[0]["id"], ada=made.customers[0]["id"], product=made.products[0]["id"]
    )


async def get(api: Api, path: str, written: str | None = None):
    return await api.client.get(path, headers=api.headers("operator", written))


@pytest.mark.parametrize("path", PATHS)
async def test_token_when_given_then_all_projections_of_the_answer_are_waited_for(
    api, projections, made, path
):
    answer = await get(api, address(path, made), "order-1")
    assert (answer.status_code, answer.headers["read-model"]) == (200, "fresh")
    waited = {asked[1]: asked for asked in projections.asked if asked[0] == "shows"}
    assert set(waited) == PATHS[path]
    for _, _, write, timeout in waited.values():
        assert (write.store, write.stream, write.version, write.position) == (
            "store", "order-1", 3, "0007",
        )  # fmt: skip
        assert timeout == 2.0


@pytest.mark.parametrize("path", PATHS)
async def test_token_when_not_shown_in_time_then_the_answer_is_what_there_is(
    api, projections, made, path
):
    projections.hidden = {(name, "order-1") for name in PATHS[path]}
    answer = await get(api, address(path, made), "order-1")
    assert (answer.status_code, answer.headers["read-model"]) == (200, "stale; behind=1")


async def test_token_of_an_absent_order_when_not_shown_then_not_found_and_stale(api, projections):
    missing = "0b1e7a54-5d8c-4b0e-8f6a-6f1d2c3b4a59"
    projections.hidden = {("order_details", f"order-{missing}")}
    answer = await get(api, f"/api/orders/{missing}", f"order-{missing}")
    assert (answer.status_code, answer.headers["read-model"]) == (404, "stale; behind=1")
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", PATHS)
async def test_no_token_when_a_projection_lags_then_stale_by_whole_seconds(
    api, projections, made, path
):
    for name in PATHS[path]:
        projections.lags = {name: 3.2}
        fresh_api = Api(api.app.state.queries.documents, projections)
        answer = await get(fresh_api, address(path, made))
        assert (answer.status_code, answer.headers["read-model"]) == (200, "stale; behind=4")
        await fresh_api.client.aclose()


async def test_no_token_when_the_event_store_does_not_answer_then_stale(api, projections, made):
    projections.lags = {"product_catalogue": None}
    answer = await get(api, "/api/products")
    assert answer.status_code == 200
    assert answer.headers["read-model"].startswith("stale; behind=")


@pytest.mark.parametrize("token", ["", "x", "é", "AAAA", "A" * 5000, "null"])
async def test_token_when_not_ours_then_malformed(api, token):
    headers = api.headers("operator") | {"Consistency-Token": token.encode()}
    answer = await api.client.get("/api/products", headers=headers)
    assert answer.status_code == 400
    assert answer.json()["type"].endswith("/bad-consistency-token")


async def test_nothing_projected_yet_when_asked_then_unavailable_for_now(tmp_path):
    from read_side.sqlite import SqliteReadStore

    store = await SqliteReadStore.open(tmp_path)
    api = Api(store, FakeProjections())
    try:
        for path in PATHS:
            answer = await get(api, path)
            assert answer.status_code == 503
            assert answer.json()["type"].endswith("/unavailable")
            assert int(answer.headers["retry-after"]) > 0
            assert "read-model" not in answer.headers
        await store.close()
        assert (await get(api, "/api/products")).status_code == 503
    finally:
        await store.close()
        await api.client.aclose()

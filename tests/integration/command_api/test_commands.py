"""From a request to the command on the bus, and back to the answer."""

from __future__ import annotations

import pytest

from api.command_api.app import create_command_app
from api.security.consistency import ConsistencyToken, ConsistencyTokens
from contracts.commands.base import REVEAL
from contracts.errors import Refused, VersionMismatch
from tests.support.http import (
    ADA,
    ADDRESS,
    BOB,
    ORDER,
    PRODUCT,
    SECRET,
    STORE,
    bearer,
    client,
    command_dependencies,
)
from write_side.kernel.context import Answer

PRICE = {"amount": "12.50", "currency": "EUR"}
SKU = "TEA.GREEN_1"

CREATIONS = [
    (
        "/api/products",
        {"name": " Tea ", "price": PRICE},
        "AddProduct",
        {"name": "Tea", "description": "", "price": PRICE},
    ),
    (
        "/api/orders",
        {
            "customer_id": ADA,
            "items": [{"product_id": PRODUCT, "quantity": 2}],
            "shipping_address": ADDRESS,
        },
        "CreateOrder",
        {
            "customer_id": ADA,
            "items": [{"product_id": PRODUCT, "quantity": 2}],
            "shipping_address": {**ADDRESS, "region": None, "postal_code": None},
        },
    ),
    (
        "/api/users",
        {"name": "Ada", "email": "ada@example.com", "password": "12345678"},
        "RegisterUser",
        {"name": "Ada", "email": "ada@example.com", "password": "12345678", "roles": ["customer"]},
    ),
]
CHANGES = [
    (
        "PATCH",
        f"/api/products/{PRODUCT}",
        {"name": "Chai"},
        "ChangeProductDetails",
        {"product_id": PRODUCT, "name": "Chai", "description": None},
    ),
    (
        "POST",
        f"/api/products/{PRODUCT}/price",
        {"price": PRICE},
        "ChangePrice",
        {"product_id": PRODUCT, "price": PRICE},
    ),
    (
        "POST",
        f"/api/products/{PRODUCT}/discontinue",
        None,
        "DiscontinueProduct",
        {"product_id": PRODUCT},
    ),
    (
        "PUT",
        f"/api/products/{PRODUCT}/sku",
        {"sku": SKU},
        "MapProduct",
        {"product_id": PRODUCT, "sku": SKU},
    ),
    (
        "POST",
        f"/api/orders/{ORDER}/items",
        {"product_id": PRODUCT, "quantity": 1},
        "AddItem",
        {"order_id": ORDER, "product_id": PRODUCT, "quantity": 1},
    ),
    (
        "DELETE",
        f"/api/orders/{ORDER}/items/{ADA}",
        None,
        "RemoveItem",
        {"order_id": ORDER, "item_id": ADA},
    ),
    (
        "POST",
        f"/api/orders/{ORDER}/confirm",
        {"payment_method": "tok_visa"},
        "ConfirmOrder",
        {"order_id": ORDER, "payment_method": "tok_visa"},
    ),
    (
        "POST",
        f"/api/orders/{ORDER}/confirm",
        None,
        "ConfirmOrder",
        {"order_id": ORDER, "payment_method": None},
    ),
    (
        "POST",
        f"/api/orders/{ORDER}/cancel",
        {"reason": "twice"},
        "CancelOrder",
        {"order_id": ORDER, "reason": "twice"},
    ),
    (
        "POST",
        f"/api/stock/{SKU}/receipts",
        {"quantity": 5, "location": "main"},
        "ReceiveStock",
        {"sku": SKU, "quantity": 5, "location": "main"},
    ),
    (
        "POST",
        f"/api/stock/{SKU}/adjustments",
        {"location": "main", "counted": 4, "reason": "broken"},
        "AdjustStock",
        {"sku": SKU, "location": "main", "counted": 4, "reason": "broken"},
    ),
    (
        "PATCH",
        f"/api/users/{ADA}",
        {"email": "countess@example.com"},
        "ChangeProfile",
        {"user_id": ADA, "name": None, "email": "countess@example.com"},
    ),
    (
        "POST",
        f"/api/users/{ADA}/password",
        {"current_password": "old", "new_password": "12345678"},
        "ChangePassword",
        {"user_id": ADA, "current_password": "old", "new_password": "12345678"},
    ),
    ("POST", f"/api/users/{ADA}/deactivate", None, "DeactivateUser", {"user_id": ADA}),
    (
        "POST",
        f"/api/users/{ADA}/roles",
        {"grant": ["auditor"]},
        "ChangeRoles",
        {"user_id": ADA, "grant": ["auditor"], "revoke": []},
    ),
]
NO_IF_MATCH = (f"/api/products/{PRODUCT}/sku", f"/api/users/{ADA}/password")


@pytest.mark.parametrize(("path", "body", "name", "fields"), CREATIONS)
async def test_creation_is_201_with_its_place(operator, bus, path, body, name, fields):
    response = await operator.post(path, json=body)
    assert response.status_code == 201, response.text
    command, context = bus.last
    new_id = response.json()["id"]
    assert command.command_name() == name
    shown = command.model_dump(mode="json", context=REVEAL)
    assert shown.pop(next(iter(shown))) == new_id
    assert shown == fields
    assert response.headers["location"] == f"{path}/{new_id}"
    assert response.headers["etag"] == '"3"'
    assert context.source == "command-api"
    assert (context.actor.kind, context.actor.roles) == ("user", ("operator",))


@pytest.mark.parametrize(("method", "path", "body", "name", "fields"), CHANGES)
async def test_change_is_200(operator, bus, method, path, body, name, fields):
    response = await operator.request(method, path, json=body)
    assert response.status_code == 200, response.text
    command, _ = bus.last
    assert command.command_name() == name
    shown = command.model_dump(mode="json", context=REVEAL)
    assert {key: shown[key] for key in fields} == fields
    assert response.json()["version"] == 3
    assert ("item_id" in response.json()) == (name == "AddItem")
    assert "location" not in response.headers


async def test_consistency_token_names_what_was_written(operator):
    response = await operator.post(f"/api/orders/{ORDER}/confirm")
    token = ConsistencyTokens(SECRET).decode(response.headers["consistency-token"])
    assert token == ConsistencyToken(STORE, f"thing-{ORDER}", 3, "0007")


@pytest.mark.parametrize(("path", "body", "name", "fields"), CREATIONS)
async def test_id_of_what_is_made_comes_from_the_key(operator, path, body, name, fields):
    first, again, other = [
        (await operator.post(path, json=body, headers={"Idempotency-Key": key})).json()["id"]
        for key in ("k1", '"k1"', "k2")
    ]
    assert first == again != other


@pytest.mark.parametrize(("method", "path", "body", "name", "fields"), CHANGES)
async def test_key_and_version_reach_the_command(operator, bus, method, path, body, name, fields):
    await operator.request(
        method, path, json=body, headers={"Idempotency-Key": '"k1"', "If-Match": '"7"'}
    )
    context = bus.last[1]
    assert context.idempotency_key == "k1"
    assert context.expected_version == (None if path in NO_IF_MATCH else 7)


async def test_traceparent_reaches_the_command(operator, bus):
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    await operator.post(f"/api/orders/{ORDER}/confirm", headers={"traceparent": trace})
    assert bus.last[1].traceparent == trace


@pytest.mark.parametrize(
    "headers",
    [{"Idempotency-Key": "x" * 256}, {"Idempotency-Key": ""}, {"If-Match": 'W/"3"'}],
)
async def test_malformed_headers_are_400(operator, bus, headers):
    response = await operator.post(f"/api/orders/{ORDER}/confirm", headers=headers)
    assert response.status_code == 400
    assert bus.handled == []


@pytest.mark.parametrize("tag", ['"0"', "*"])
async def test_if_match_can_not_be_met_by_something_new(operator, bus, tag):
    path, body, *_ = CREATIONS[0]
    response = await operator.post(path, json=body, headers={"If-Match": tag})
    assert response.status_code == 412
    assert bus.handled == []


async def test_any_version_is_no_condition_that_a_receipt_could_keep(operator, bus):
    receipt = {"quantity": 1, "location": "main"}
    path = f"/api/stock/{SKU}/receipts"
    response = await operator.post(path, json=receipt, headers={"If-Match": "*"})
    assert response.status_code == 400
    assert bus.handled == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/orders/1/confirm"),
        ("POST", f"/api/orders/{ORDER.upper()}/confirm"),
        ("DELETE", f"/api/orders/{ORDER}/items/x"),
        ("POST", "/api/orders/%ED%A0%80/confirm"),
        ("POST", f"/api/orders/{ORDER}%0A/confirm"),
        ("POST", "/api/products/%00/discontinue"),
        ("POST", "/api/users/..%5C/deactivate"),
    ],
)
async def test_malformed_id_in_the_path_is_404(operator, bus, method, path):
    response = await operator.request(method, path)
    assert response.status_code == 404
    assert response.json()["type"].endswith("/not-found")
    assert bus.handled == []


async def test_malformed_sku_in_the_path_is_404(operator):
    response = await operator.post(
        "/api/stock/tea%201/receipts", json={"quantity": 1, "location": "main"}
    )
    assert response.status_code == 404


@pytest.mark.parametrize(
    ("error", "status"),
    [(Refused("no", code="order-not-open"), 409), (VersionMismatch("no"), 412)],
)
async def test_what_the_handlers_refuse_is_a_problem(operator, bus, error, status):
    bus.refuse(error)
    response = await operator.post(f"/api/orders/{ORDER}/confirm")
    assert response.status_code == status
    assert response.json()["detail"] == "no"


async def test_answer_when_nothing_was_appended(operator, bus):
    async def unchanged(command, context):
        return Answer(ORDER, f"order-{ORDER}", 4, None)

    bus.answer_with = unchanged
    response = await operator.post(f"/api/orders/{ORDER}/confirm")
    assert response.json() == {"id": ORDER, "version": 4}
    token = ConsistencyTokens(SECRET).decode(response.headers["consistency-token"])
    assert token == ConsistencyToken(STORE, f"order-{ORDER}", 4, None)


async def test_customers_order_for_themselves(bus):
    app = create_command_app(command_dependencies(bus))
    async with client(app, token=bearer(ADA, "customer")) as ada:
        response = await ada.post("/api/orders", json={"shipping_address": ADDRESS})
        assert response.status_code == 201
        assert bus.last[0].customer_id == ADA
        other = {"shipping_address": ADDRESS, "customer_id": BOB}
        await ada.post("/api/orders", json=other)
        assert bus.last[0].customer_id == BOB  # which the handler refuses
        assert bus.last[1].actor.id == ADA


async def test_operators_say_for_whom_an_order_is(operator, bus):
    response = await operator.post("/api/orders", json={"shipping_address": ADDRESS})
    assert response.status_code == 422
    assert response.json()["errors"][0]["path"] == "customer_id"
    assert bus.handled == []


async def test_a_mapping_is_answered_by_its_product(operator, bus):
    async def mapped(command, context):
        return Answer("all", "sku_mapping-all", 12, None)

    bus.answer_with = mapped
    response = await operator.put(f"/api/products/{PRODUCT}/sku", json={"sku": SKU})
    assert response.json() == {"id": PRODUCT, "version": 12}

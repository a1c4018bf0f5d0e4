import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from pydantic import TypeAdapter

from api.cli.history.records import BadLine, CustomerRecord, OrderRecord, ProductRecord, decode
from api.cli.history.translation import (
    add_product,
    customer_id,
    email_of,
    import_order,
    product_id,
    receive_stock,
    register_user,
    sku_of,
)
from contracts.commands.base import Sku
from contracts.commands.users import Email
from contracts.values import Money

LINE = {"product_id": 11, "unit_price": "14.00", "quantity": 12, "discount": "0.05"}
SHIP_TO = {
    "name": "Vins",
    "street": "59 rue\nCour",
    "city": "Reims",
    "region": None,
    "postal_code": "51100",
    "country": "France",
}
ORDER = {
    "order_id": 10248,
    "customer_id": "VINET",
    "order_date": "1996-07-04",
    "shipped_date": "1996-07-16",
    "freight": "32.38",
    "ship_to": SHIP_TO,
    "lines": [LINE],
}


def usd(amount: str) -> Money:
    return Money(Decimal(amount), "USD")


def order(**changes: Any) -> OrderRecord:
    return decode(json.dumps(ORDER | changes).encode(), OrderRecord)


def test_an_order_keeps_date_prices_and_reference_and_notes_discount_and_freight() -> None:
    command = import_order(order(), "USD")
    assert command.customer_id == customer_id("VINET")
    assert command.created_at == datetime(1996, 7, 4, tzinfo=UTC)
    assert command.external_reference == "10248"
    assert [(i.product_id, i.unit_price, i.quantity) for i in command.items] == [
        (product_id("11"), usd("14.00"), 12)
    ]
    assert (command.discount, command.freight) == (usd("8.40"), usd("32.38"))
    assert command.shipping_address.lines == ("59 rue", "Cour")
    assert command.shipping_address.country == "FR"


def test_the_discount_of_all_lines_is_rounded_once() -> None:
    line = {"product_id": 1, "unit_price": "0.33", "quantity": 1, "discount": "0.05"}
    assert import_order(order(lines=[line] * 10), "USD").discount == usd("0.17")


def test_no_discount_is_no_note() -> None:
    assert import_order(order(lines=[LINE | {"discount": "0"}]), "USD").discount is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"lines": []}, "lines"),
        ({"lines": [LINE | {"quantity": 0}]}, r"lines\.0\.quantity"),
        ({"lines": [LINE | {"quantity": 1.5}]}, "int"),
        ({"lines": [LINE | {"unit_price": "free"}]}, "unit_price"),
        ({"lines": [LINE | {"unit_price": "1.005"}]}, "USD has 2 digits"),
        ({"lines": [LINE | {"unit_price": "-1"}]}, r"lines\.0\.unit_price"),
        ({"lines": [LINE | {"unit_price": "NaN"}]}, "unit_price"),
        ({"lines": [LINE | {"unit_price": "1E+400000"}]}, "unit_price"),
        ({"lines": [LINE | {"discount": "1.5"}]}, r"lines\.0\.discount"),
        ({"lines": [LINE | {"discount": "NaN"}]}, r"lines\.0\.discount"),
        ({"ship_to": SHIP_TO | {"country": "Atlantis"}}, r"ship_to\.country.*Atlantis"),
        ({"ship_to": SHIP_TO | {"street": ""}}, r"ship_to"),
        ({"ship_to": SHIP_TO | {"city": "\u0000"}}, r"ship_to\.city"),
        ({"order_date": "1996-13-04"}, "date"),
        ({"shipped_date": "1996-07-03"}, "shipped_date is before order_date"),
        ({"order_id": " "}, "id is empty"),
        ({"order_id": True}, "order_id"),
        ({"freight": "-3"}, "freight"),
    ],
)
def test_an_order_that_can_not_be_is_refused_with_its_field(
    changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(BadLine, match=reason):
        import_order(order(**changes), "USD")


@pytest.mark.parametrize("text", [b"{", b"\xff", b"[]", b'{"customer_id": "A"}', b"[" * 100_000])
def test_what_is_no_record_is_refused(text: bytes) -> None:
    with pytest.raises(BadLine):
        decode(text, CustomerRecord)


def test_a_product_is_described_by_category_and_unit() -> None:
    text = b'{"product_id": 1, "product_name": "Chai", "unit_price": "18.00", "category": "Tea"}'
    record = decode(text, ProductRecord)
    command = add_product(record, "USD")
    assert (command.name, command.description, command.price) == ("Chai", "Tea", usd("18.00"))


def test_a_customer_without_an_e_mail_gets_one_and_no_password() -> None:
    command = register_user(CustomerRecord("VINET", "Vins et alcools"))
    assert (command.name, command.email, command.password) == (
        "Vins et alcools",
        "vinet@example.com",
        None,
    )


KEYS = ["11", "A-1", "a-1", "tea/green", "Tea.Green", "x" * 100, ".", "é", "1 2", "_"]


@pytest.mark.parametrize("key", KEYS)
def test_any_id_of_a_shop_makes_a_valid_sku_and_address(key: str) -> None:
    TypeAdapter(Sku).validate_python(sku_of(key))
    TypeAdapter(Email).validate_python(email_of(key))


def test_ids_that_differ_make_skus_that_differ() -> None:
    assert len({sku_of(key) for key in KEYS}) == len(KEYS)
    assert sku_of("11") == "IMPORT.11"


def test_a_large_receipt_is_split_into_what_one_command_takes() -> None:
    record = ProductRecord(1, "Rice", Decimal(1))
    quantities = [command.quantity for command in receive_stock(record, 2_500_000)]
    assert quantities == [1_000_000, 1_000_000, 500_000]
    assert list(receive_stock(record, 0)) == []

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from api.command_api.bodies import NewOrder, NewProduct
from api.http.body import parse
from api.http.errors import Malformed, Unprocessable
from tests.support.http import ADDRESS, PRODUCT

ORDER = TypeAdapter(NewOrder)
PRODUCT_BODY = TypeAdapter(NewProduct)


def product(**changes: object) -> bytes:
    good = {"name": "Tea", "price": {"amount": "1.00", "currency": "EUR"}}
    return json.dumps({**good, **changes}).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nonsense",
        b'{"name": NaN}',
        b'{"unknown": -Infinity}',
        b'{"name": "\\ud800"}',
        b'{"name": "\xff"}',
        b"\xef\xbb\xbf{}",
        b'{"name":' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"price":' + b"9" * 5000 + b"}",
        b'{"name": "a\nb"}',
        b"{} {}",
    ],
)
def test_no_json_is_malformed(body):
    with pytest.raises(Malformed):
        parse(body, PRODUCT_BODY)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b"[]", ""),
        (b"null", ""),
        (product(name=1), "name"),
        (product(name="nul \0"), "name"),
        (product(price=12.5), "price"),
        (product(price={"amount": 12.5, "currency": "EUR"}), "price.amount"),
        (product(price={"amount": "1e999999", "currency": "EUR"}), "price.amount"),
        (product(price={"amount": "1e99999", "currency": "EUR"}), "price.amount"),
        (product(price={"amount": "1e-99999", "currency": "EUR"}), "price.amount"),
        (product(price={"amount": "nan", "currency": "EUR"}), "price.amount"),
        (product(price={"amount": "1.005", "currency": "EUR"}), "price"),
        (product(price={"amount": "9" * 1000, "currency": "EUR"}), "price.amount"),
        (product(price={"amount": "1", "currency": "XXY"}), "price.currency"),
        (product(surprise=1), "surprise"),
        (product(description=None), "description"),
    ],
)
def test_wrong_values_are_named(body, path):
    with pytest.raises(Unprocessable) as refused:
        parse(body, PRODUCT_BODY)
    assert [error["path"] for error in refused.value.errors] == [path]
    assert all(error["message"] for error in refused.value.errors)


def test_what_is_wrong_is_told_in_our_words():
    with pytest.raises(Unprocessable) as refused:
        parse(product(price={"amount": "1.005", "currency": "EUR"}), PRODUCT_BODY)
    assert refused.value.errors[0]["message"] == "EUR has 2 digits after the point, not more"


def test_words_that_only_look_like_constants_are_texts():
    assert parse(product(name="NaN and -Infinity"), PRODUCT_BODY).name == "NaN and -Infinity"


def test_last_of_equal_keys_counts():
    body = b'{"name": "Coffee", ' + product()[1:]
    assert parse(body, PRODUCT_BODY).name == "Tea"


def test_errors_are_named_by_position_and_not_without_end():
    items = [{"product_id": PRODUCT, "quantity": 0}] * 300
    with pytest.raises(Unprocessable) as refused:
        parse(json.dumps({"items": items, "shipping_address": ADDRESS}).encode(), ORDER)
    assert refused.value.errors[1]["path"] == "items.1.quantity"
    assert len(refused.value.errors) == 100


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
_FIELDS = st.sampled_from(["name", "description", "price", "items", "shipping_address"])


@settings(max_examples=150)
@given(st.dictionaries(_FIELDS, _JSON, max_size=4), st.sampled_from([ORDER, PRODUCT_BODY]))
def test_any_json_is_read_or_refused(body, adapter):
    with contextlib.suppress(Malformed, Unprocessable):
        adapter.dump_json(parse(json.dumps(body).encode(), adapter))


@settings(max_examples=100)
@given(st.binary(max_size=40))
def test_any_bytes_are_refused(body):
    with pytest.raises((Malformed, Unprocessable)):
        parse(body, PRODUCT_BODY)

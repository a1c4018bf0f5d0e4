from __future__ import annotations

import json
from decimal import Decimal, localcontext
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from contracts.values import MAX_MINOR, Money, currency_scale
from tests.unit.contracts.strategies import CURRENCIES, minors, moneys

SMALL = 10**15
quick = settings(max_examples=60, deadline=None)
adapter: TypeAdapter[Money] = TypeAdapter(Money)


def euros(amount: str) -> Money:
    return Money(Decimal(amount), "EUR")


@st.composite
def same_currency(draw: st.DrawFn, count: int) -> list[Money]:
    currency = draw(CURRENCIES)
    return [Money.from_minor(draw(minors(SMALL)), currency) for _ in range(count)]


@pytest.mark.parametrize(
    ("currency", "scale", "text"),
    [
        ("EUR", 2, "1.00"),
        ("JPY", 0, "1"),
        ("KWD", 3, "1.000"),
        ("CLF", 4, "1.0000"),
        ("ISK", 0, "1"),
        ("CHF", 2, "1.00"),
    ],
)
def test_an_amount_has_the_digits_of_its_currency(currency: str, scale: int, text: str):
    assert currency_scale(currency) == scale
    assert str(Money(Decimal(1), currency).amount) == text
    assert Money(Decimal(1), currency).minor == 10**scale


@quick
@given(minors(), CURRENCIES)
@example(MAX_MINOR - 1, "EUR")
@example(1 - MAX_MINOR, "CLF")
@example(0, "JPY")
def test_minor_units_and_amount_say_exactly_the_same(minor: int, currency: str):
    money = Money.from_minor(minor, currency)
    assert money.minor == minor
    assert money.amount * 10 ** currency_scale(currency) == minor
    assert -money.amount.as_tuple().exponent == currency_scale(currency)  # pyright: ignore


@quick
@given(same_currency(3))
def test_sums_are_exact_in_any_order(amounts: list[Money]):
    a, b, c = amounts
    assert (a + b).minor == a.minor + b.minor
    assert a + b == b + a
    assert (a + b) + c == a + (b + c)
    assert a + Money.zero(a.currency) == a
    assert a + b - b == a
    assert a - a == Money.zero(a.currency)


@quick
@given(same_currency(2), st.integers(-500, 500), st.integers(-500, 500))
def test_products_are_exact_and_distribute(amounts: list[Money], n: int, m: int):
    a, b = amounts
    assert (a * n).minor == a.minor * n
    assert a * n + a * m == a * (n + m)
    assert (a + b) * n == a * n + b * n
    assert a * 1 == a
    assert a * 0 == Money.zero(a.currency)


@quick
@given(same_currency(2))
def test_order_is_that_of_the_amounts(amounts: list[Money]):
    a, b = amounts
    assert (a < b) == (a.minor < b.minor)
    assert (a <= b) == (a.minor <= b.minor)
    assert (a > b) == (a.minor > b.minor)
    assert (a == b) == (a.minor == b.minor)


@quick
@given(moneys())
@example(Money.zero("EUR") * -1)
def test_json_brings_the_same_money_back(money: Money):
    text = adapter.dump_json(money)
    assert json.loads(text) == {"amount": str(money.amount), "currency": money.currency}
    assert adapter.validate_json(text) == money
    assert msgspec.json.encode(money) == text
    assert msgspec.json.decode(text, type=Money) == money
    assert str(msgspec.json.decode(text, type=Money).amount) == str(money.amount)


def test_nothing_has_no_sign():
    assert str(euros("-0").amount) == "0.00"
    assert str((euros("5") * 0 - euros("0")).amount) == "0.00"
    assert str((Money.zero("JPY") * -3).amount) == "0"


@pytest.mark.parametrize("operation", ["__add__", "__sub__", "__lt__", "__le__"])
def test_currencies_are_never_mixed(operation: str):
    with pytest.raises(ValueError, match="EUR and JPY can't be mixed"):
        getattr(euros("1"), operation)(Money(Decimal(1), "JPY"))
    assert euros("1") != Money(Decimal(1), "USD")


@pytest.mark.parametrize(
    ("amount", "currency"),
    [("0.001", "EUR"), ("0.1", "JPY"), ("1.0001", "KWD"), ("1.00001", "CLF")],
)
def test_more_digits_than_the_currency_has_are_refused_not_rounded(amount: str, currency: str):
    with pytest.raises(ValueError, match="digits after the point, not more"):
        Money(Decimal(amount), currency)


@pytest.mark.parametrize("amount", ["1.5000", "1.50", "1.5", "15E-1"])
def test_digits_that_say_nothing_do_not_matter(amount: str):
    assert str(euros(amount).amount) == "1.50"


@pytest.mark.parametrize("amount", ["NaN", "sNaN", "Infinity", "-Infinity"])
def test_what_is_not_a_finite_number_is_refused(amount: str):
    with pytest.raises(ValueError, match="finite"):
        Money(Decimal(amount), "EUR")


@pytest.mark.parametrize("amount", ["1E16", "-1E16", "1E999999", "9" * 40, "9" * 24 + ".99"])
def test_amounts_have_a_bound(amount: str):
    with pytest.raises(ValueError, match="too large"):
        euros(amount)


def test_the_bound_is_that_of_the_minor_units():
    largest = Money.from_minor(MAX_MINOR - 1, "EUR")
    assert str(largest.amount) == "9999999999999999.99"
    for too_much in (
        lambda: largest + euros("0.01"),
        lambda: largest * 2,
        lambda: largest * 10**30,
    ):
        with pytest.raises(ValueError, match="too large"):
            too_much()


@pytest.mark.parametrize("times", [1.5, 0.1, "2"])
def test_floats_are_no_factors(times: Any):
    with pytest.raises((TypeError, ValueError)):
        euros("1") * times


@pytest.mark.parametrize("currency", ["EUX", "eur", "", "EURO", "€"])
def test_an_unknown_currency_is_refused(currency: str):
    with pytest.raises(ValueError, match="ISO 4217"):
        Money(Decimal(1), currency)


@pytest.mark.parametrize(
    "amount",
    [
        12,
        12.5,
        True,
        None,
        "",
        " 12 ",
        "+12",
        "1e1",
        "1E+5",
        "1_0",
        "1,50",
        ".5",
        "5.",
        "١٢",
        "NaN",
        "Infinity",
        "1" * 19,
        "1" * 5000,
        "1.00000",
        "12\n",
        ["12"],
        {"amount": "12"},
    ],
)
def test_an_amount_from_outside_is_plain_digits_in_a_string(amount: Any):
    with pytest.raises(ValidationError):
        adapter.validate_python({"amount": amount, "currency": "EUR"})
    with pytest.raises(ValidationError):
        adapter.validate_json(json.dumps({"amount": amount, "currency": "EUR"}))


def test_the_callers_precision_of_decimals_does_not_matter_within_the_bound():
    with localcontext() as context:
        context.prec = 28
        largest = Money.from_minor(MAX_MINOR // 2 - 1, "EUR")
        assert (largest + largest).minor == MAX_MINOR - 2

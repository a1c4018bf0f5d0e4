"""Values shared by all contexts: money, addresses, actors."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Annotated, Any, Literal, Self, cast

import pycountry
from pydantic import AfterValidator, BeforeValidator, StringConstraints, WithJsonSchema

MAX_MINOR = 10**18
"""Amounts stay below this many minor units, so that they fit a signed 64-bit integer."""

# ISO 4217 list one, minor unit; every other currency has two digits.
_ZERO = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE = "BHD IQD JOD KWD LYD OMR TND"
_SCALES = {
    **dict.fromkeys(_ZERO.split(), 0),
    **dict.fromkeys(_THREE.split(), 3),
    "CLF": 4,
    "UYW": 4,
}


@dataclass(frozen=True, slots=True)
class Personal:
    """Marks a field as personal data; `of` names the field that holds the person's user id."""

    of: str


REORDERING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that are not seen and let others appear in another order than they stand in."""


def is_control(char: str) -> bool:
    """Whether it does something to what is around it instead of being shown."""
    return unicodedata.category(char) == "Cc" or char in REORDERING


def clean_text(text: str) -> str:
    """Refuse control characters: they have no place in names and break logs and terminals."""
    if text.isprintable():
        return text
    if any(is_control(char) and char not in "\n\t" for char in text):
        raise ValueError("control characters are not allowed")
    return text


Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(clean_text),
]
Text = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=2000), AfterValidator(clean_text)
]


@cache
def _currencies() -> frozenset[str]:
    return frozenset(currency.alpha_3 for currency in cast("Iterable[Any]", pycountry.currencies))


@cache
def _countries() -> frozenset[str]:
    return frozenset(country.alpha_2 for country in cast("Iterable[Any]", pycountry.countries))


def currency_scale(currency: str) -> int:
    """How many digits after the point an amount of this ISO 4217 currency has."""
    return _SCALES.get(currency, 2)


def known_currency(currency: str) -> str:
    """Return the ISO 4217 code, or raise ValueError when there is no such currency."""
    if currency not in _currencies():
        raise ValueError(f"{currency!r} is not an ISO 4217 currency")
    return currency


def known_country(country: str) -> str:
    """Return the ISO 3166-1 alpha-2 code, or raise ValueError when there is no such country."""
    if country not in _countries():
        raise ValueError(f"{country!r} is not an ISO 3166 country code of two letters")
    return country


_PLAIN_AMOUNT = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,4})?")


def _exact_amount(value: object) -> object:
    if not isinstance(value, str | Decimal):
        raise ValueError('an amount is a string of digits such as "12.50", never a number')  # noqa: TRY004
    if isinstance(value, str) and not _PLAIN_AMOUNT.fullmatch(value):
        raise ValueError("an amount is plain digits, at most 18 of them and 4 after the point")
    return value


Amount = Annotated[
    Decimal,
    BeforeValidator(_exact_amount),
    WithJsonSchema(
        {"type": "string", "pattern": f"^{_PLAIN_AMOUNT.pattern}$", "examples": ["12.50"]}
    ),
]
Currency = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Z]{3}$"),
    AfterValidator(known_currency),
    WithJsonSchema({"type": "string", "pattern": "^[A-Z]{3}$", "examples": ["EUR"]}),
]


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An exact amount of one currency, always at the currency's own scale.

    Raises:
        ValueError: unknown currency, more digits than the currency has, not a finite number, or
            `MAX_MINOR` minor units and more.
    """

    amount: Amount
    currency: Currency

    def __post_init__(self) -> None:
        amount = self.amount
        quantum, limit, lowest = _measures(self.currency)
        if amount.same_quantum(quantum) and lowest < amount < limit and amount:
            return  # As nearly all are.
        if not amount.same_quantum(quantum):
            amount = _at_scale(amount, quantum, self.currency)
        if not lowest < amount < limit:
            raise ValueError("the amount is too large")
        # Nothing is nothing: "-0.00" would be equal, yet another text in JSON.
        object.__setattr__(self, "amount", amount or abs(amount))

    @classmethod
    def zero(cls, currency: str) -> Self:
        """Nothing, in that currency."""
        return cls(Decimal(0), currency)

    @classmethod
    def from_minor(cls, minor: int, currency: str) -> Self:
        """The amount of that many minor units (cents, yen, fils)."""
        return cls(Decimal(minor).scaleb(-currency_scale(currency)), currency)

    @property
    def minor(self) -> int:
        """The amount in minor units, a whole number."""
        return int(self.amount.scaleb(currency_scale(self.currency)))

    def __add__(self, other: Money) -> Money:
        return Money(self.amount + self._same(other).amount, self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.amount - self._same(other).amount, self.currency)

    def __mul__(self, times: int) -> Money:
        return Money(self.amount * times, self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.amount < self._same(other).amount

    def __le__(self, other: Money) -> bool:
        return self.amount <= self._same(other).amount

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"

    def _same(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} and {other.currency} can't be mixed")
        return other


@cache
def _measures(currency: str) -> tuple[Decimal, Decimal, Decimal]:
    """The currency's smallest amount, and the first amounts that are too large, up and down."""
    quantum = Decimal(1).scaleb(-currency_scale(known_currency(currency)))
    return quantum, quantum * MAX_MINOR, -quantum * MAX_MINOR


def _at_scale(amount: Decimal, quantum: Decimal, currency: str) -> Decimal:
    if not amount.is_finite():
        raise ValueError("an amount is a finite number")
    try:
        scaled = amount.quantize(quantum)
    except InvalidOperation:
        raise ValueError("the amount is too large") from None
    if scaled != amount:
        digits = currency_scale(currency)
        raise ValueError(f"{currency} has {digits} digits after the point, not more")
    return scaled


PostalCode = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=20),
    AfterValidator(clean_text),
]


@dataclass(frozen=True, slots=True)
class Address:
    """Where a parcel goes. `country` is ISO 3166-1 alpha-2."""

    recipient: Name
    lines: Annotated[
        tuple[Name, ...],
        WithJsonSchema(
            {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 5}
        ),
        AfterValidator(lambda lines: _one_to_five(lines)),
    ]
    city: Name
    country: Annotated[
        str,
        StringConstraints(pattern=r"^[A-Z]{2}$"),
        AfterValidator(known_country),
        WithJsonSchema({"type": "string", "pattern": "^[A-Z]{2}$", "examples": ["FR"]}),
    ]
    region: Name | None = None
    postal_code: PostalCode | None = None


def _one_to_five(lines: tuple[str, ...]) -> tuple[str, ...]:
    if not 1 <= len(lines) <= 5:
        raise ValueError("an address has one to five lines")
    return lines


Role = Literal["customer", "operator", "auditor", "service"]
ROLES: tuple[Role, ...] = ("customer", "operator", "auditor", "service")


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asked for a change: a user with roles, a service, the system, or nobody known."""

    kind: Literal["user", "service", "system", "anonymous"]
    id: str
    roles: tuple[Role, ...] = ()

    def has(self, *roles: Role) -> bool:
        """Whether the actor has one of these roles. The system may do everything."""
        return self.kind == "system" or any(role in self.roles for role in roles)


SYSTEM = Actor("system", "orderlog")

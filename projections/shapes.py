"""How values look in documents. A part of every projector's fingerprint."""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec import to_builtins

from contracts.documents import AddressDocument, MoneyDocument
from contracts.values import MAX_MINOR, Address, Money, currency_scale

_LENGTH = len("2026-01-05T10:00:00.000000Z")


def time_text(time: datetime) -> str:
    """ISO 8601 in UTC, always 27 characters, so that texts sort as the times do.

    Raises:
        ValueError: the time has no time zone.
    """
    if time.tzinfo is None:
        raise ValueError("a time without a time zone")
    if time.tzinfo is not UTC:
        time = time.astimezone(UTC)
    text = to_builtins(time)  # the same as with isoformat, in a tenth of the time
    return text if len(text) == _LENGTH else f"{text[:-1]}.000000Z"


def day_of(time: str) -> str:
    """The date in UTC, as `2026-01-05`, of what `time_text` made."""
    return time[:10]


def money_document(money: Money) -> MoneyDocument:
    """The exact amount, and the same in minor units."""
    amount = str(money.amount)
    # Always at the currency's own scale, so its digits are the minor units.
    return {"amount": amount, "currency": money.currency, "minor": int(amount.replace(".", ""))}


def minor_document(minor: int, currency: str) -> MoneyDocument:
    """So many minor units of a known currency.

    Raises:
        ValueError: they are too many.
    """
    scale = currency_scale(currency)
    if scale and 0 <= minor < MAX_MINOR:  # nearly always, and much faster than by Decimal
        digits = str(minor).zfill(scale + 1)
        amount = f"{digits[:-scale]}.{digits[-scale:]}"
        return {"amount": amount, "currency": currency, "minor": minor}
    return money_document(Money.from_minor(minor, currency))


def address_document(address: Address) -> AddressDocument:
    """An address, with its lines as a list."""
    return {
        "recipient": address.recipient,
        "lines": list(address.lines),
        "city": address.city,
        "region": address.region,
        "postal_code": address.postal_code,
        "country": address.country,
    }

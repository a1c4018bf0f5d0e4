"""How values look in documents. A part of every projector's fingerprint."""

from __future__ import annotations

from datetime import UTC, datetime

from contracts.documents import AddressDocument, MoneyDocument
from contracts.values import Address, Money


def time_text(time: datetime) -> str:
    """ISO 8601 in UTC, always 27 characters, so that texts sort as the times do.

    Raises:
        ValueError: the time has no time zone.
    """
    if time.tzinfo is None:
        raise ValueError("a time without a time zone")
    if time.tzinfo is not UTC:
        time = time.astimezone(UTC)
    return f"{time.isoformat(timespec='microseconds')[:-6]}Z"


def day_text(time: datetime) -> str:
    """The date in UTC, as `2026-01-05`."""
    return time_text(time)[:10]


def money_document(money: Money) -> MoneyDocument:
    """The exact amount, and the same in minor units."""
    amount = str(money.amount)
    # Always at the currency's own scale, so its digits are the minor units.
    return {"amount": amount, "currency": money.currency, "minor": int(amount.replace(".", ""))}


def minor_document(minor: int, currency: str) -> MoneyDocument:
    """So many minor units of a currency."""
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

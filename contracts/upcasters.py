"""From older schema versions of events to the next one, as functions of their JSON data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Data = dict[str, Any]


def product_added_1_to_2(data: Data) -> Data:
    """Version 1 had `price` and `currency` side by side and no description."""
    price = {"amount": data["price"], "currency": data["currency"]}
    return {"name": data["name"], "description": "", "price": price}


UPCASTERS: dict[tuple[str, int], Callable[[Data], Data]] = {
    ("ProductAdded", 1): product_added_1_to_2,
}
"""By event type and the version it comes from; each leads to the next version."""

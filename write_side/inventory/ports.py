"""What Inventory needs to know of other contexts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class OrderContents:
    """What an order holds as of one version, in the words of Sales: product ids."""

    quantities: Mapping[str, int]
    """By product; lines of one product are added up."""
    imported: bool
    """History: its goods left long ago."""


class OrderBook(Protocol):
    """Knows what orders hold."""

    async def contents(self, order_id: str, version: int) -> OrderContents:
        """The order as of that version of its stream; empty before the first."""
        ...


class ProductCatalogue(Protocol):
    """Knows which products there are."""

    async def exists(self, product_id: str) -> bool:
        """Whether there is such a product."""
        ...

"""The table of products and SKUs, one to one both ways, as one aggregate."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from functools import singledispatchmethod

from contracts.errors import Refused
from contracts.events.inventory import ProductMapped
from write_side.kernel.aggregate import Aggregate

TABLE = "all"
"""The id of the one table."""


class SkuMapping(Aggregate):
    """Under which SKU each product is kept."""

    CATEGORY = "sku_mapping"
    NAME = "sku-mapping"

    skus: dict[str, str] = field(default_factory=dict[str, str])
    """By product."""
    products: dict[str, str] = field(default_factory=dict[str, str])
    """By SKU."""

    def map(self, product_id: str, sku: str, *, at: datetime) -> None:
        """Keep the product under the SKU from now on."""
        if self.skus.get(product_id) == sku:
            return
        if product_id in self.skus:
            raise Refused(
                f"Product {product_id} is kept under {self.skus[product_id]}.",
                code="product-already-mapped",
            )
        if sku in self.products:
            raise Refused(
                f"{sku} is the SKU of product {self.products[sku]}.", code="sku-already-mapped"
            )
        self.trigger(ProductMapped, at, product_id=product_id, sku=sku)

    @singledispatchmethod
    def evolve(self, event: object) -> None:
        """Follow an event."""
        raise TypeError(f"the table of SKUs does not know {type(event).__name__}")

    @evolve.register
    def _(self, event: ProductMapped) -> None:
        self.skus[event.product_id] = event.sku
        self.products[event.sku] = event.product_id

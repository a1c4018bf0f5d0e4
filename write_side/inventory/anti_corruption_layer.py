"""Sales speaks of product ids, Inventory of SKUs. Only here both are known."""

from __future__ import annotations

from contracts.errors import Refused
from write_side.inventory.sku_mapping import TABLE, SkuMapping
from write_side.kernel.repository import Repository


class AntiCorruptionLayer:
    """Translates what Sales says into the words of Inventory."""

    def __init__(self, mappings: Repository[SkuMapping]) -> None:
        """Use the table of products and SKUs."""
        self._mappings = mappings

    async def sku_of(self, product_id: str) -> str:
        """The SKU under which a product is kept.

        Raises:
            Refused: the product is not mapped to one.
        """
        sku = (await self._mappings.look_up(TABLE)).skus.get(product_id)
        if sku is None:
            raise Refused(f"Product {product_id} has no SKU yet.", code="product-not-mapped")
        return sku

"""Sales, summed over orders when asked."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from contracts.documents import ORDER_DETAILS
from read_side.port import AnyOf, Documents
from read_side.queries.orders import created_between
from read_side.queries.views import SalesReport, minor_view

SalesBy = Literal["day", "product"]

COUNTED = ("created", "confirmed", "shipped", "delivered")
"""All states but `cancelled`."""
_UNITS = "items.quantity"
_GROUPS: dict[SalesBy, tuple[str, str]] = {
    "day": ("created_day", "total_amount.minor"),
    "product": ("items.product_id", "items.line_total.minor"),
}
"""By what a report is grouped, and which amounts it adds up."""


async def sales(
    documents: Documents,
    *,
    by: SalesBy,
    currency: str,
    created_from: datetime | None = None,
    created_to: datetime | None = None,
) -> SalesReport:
    """Sales by day (UTC) or by product, of orders in one currency that were not cancelled.

    Raises:
        ReadStoreUnavailable: the read store can't answer now.
    """
    group_by, revenue = _GROUPS[by]
    rows = await documents.sums(
        ORDER_DETAILS.name,
        group_by=group_by,
        fields=(_UNITS, revenue),
        conditions=(
            AnyOf("status", COUNTED),
            AnyOf("total_amount.currency", (currency,)),
            created_between(created_from, created_to),
        ),
    )
    return {
        "rows": [
            {
                "key": row.key,
                "orders": row.documents,
                "units": row.sums[_UNITS],
                "revenue": minor_view(row.sums[revenue], currency),
            }
            for row in rows
        ],
        "total": minor_view(sum(row.sums[revenue] for row in rows), currency),
    }

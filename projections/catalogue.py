"""All projectors, by name."""

from __future__ import annotations

from projections.customers import Customers
from projections.event_log import EventLog
from projections.order_details import OrderDetails
from projections.product_catalogue import ProductCatalogue
from projections.projector import AnyProjector
from projections.stock_levels import StockLevels

PROJECTORS: dict[str, AnyProjector] = {
    projector.name: projector
    for projector in (OrderDetails(), Customers(), ProductCatalogue(), StockLevels(), EventLog())
}

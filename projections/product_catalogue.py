"""One document for each product: the public list."""

from __future__ import annotations

from contracts.documents import PRODUCT_CATALOGUE, ProductDocument
from contracts.events.base import Event
from contracts.events.sales import (
    ProductAdded,
    ProductDetailsChanged,
    ProductDiscontinued,
    ProductPriceChanged,
)
from contracts.registry import id_of
from projections.projector import Context, existing
from projections.shapes import money_document, time_text


class ProductCatalogue:
    """Projects the events of `product` streams."""

    name = PRODUCT_CATALOGUE.name
    document_type = PRODUCT_CATALOGUE
    categories = ("product",)
    handles: frozenset[type[Event]] = frozenset(
        {ProductAdded, ProductDetailsChanged, ProductPriceChanged, ProductDiscontinued}
    )

    def key_of(self, stream: str) -> str:
        """The product's id."""
        return id_of(stream)

    def project(
        self, document: ProductDocument | None, event: Event | None, context: Context
    ) -> ProductDocument:
        """The product after the event."""
        if isinstance(event, ProductAdded):
            return _added(event)
        return {
            **_changed(existing(document, event), event),
            "version": context.version,
            "updated_at": time_text(context.occurred_at),
        }


def _added(event: ProductAdded) -> ProductDocument:
    return {
        "id": event.originator_id,
        "version": event.originator_version,
        "name": event.name,
        "name_key": event.name.casefold(),
        "description": event.description,
        "price": money_document(event.price),
        "status": "active",
        "updated_at": time_text(event.timestamp),
    }


def _changed(product: ProductDocument, event: Event | None) -> ProductDocument:
    match event:
        case ProductDetailsChanged():
            return {
                **product,
                "name": event.name,
                "name_key": event.name.casefold(),
                "description": event.description,
            }
        case ProductPriceChanged():
            return {**product, "price": money_document(event.price)}
        case ProductDiscontinued():
            return {**product, "status": "discontinued"}
        case _:
            return product

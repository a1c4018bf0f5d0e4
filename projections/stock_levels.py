"""One document for each SKU: what lies where, how much is reserved, what can be had."""

from __future__ import annotations

from contracts.documents import STOCK_LEVELS, StockDocument, StockLocationDocument
from contracts.events.base import Event
from contracts.events.inventory import (
    StockAdjusted,
    StockIssued,
    StockReceived,
    StockReleased,
    StockReserved,
    Taken,
)
from contracts.registry import id_of
from projections.projector import Context
from projections.shapes import time_text

Locations = dict[str, int]


class StockLevels:
    """Projects the events of `stock` streams.

    Any of them may be the first: a fence against a late reservation can come before any goods.
    """

    name = STOCK_LEVELS.name
    document_type = STOCK_LEVELS
    categories = ("stock",)
    handles: frozenset[type[Event]] = frozenset(
        {StockReceived, StockAdjusted, StockReserved, StockReleased, StockIssued}
    )

    def key_of(self, stream: str) -> str:
        """The SKU."""
        return id_of(stream)

    def project(
        self, document: StockDocument | None, event: Event | None, context: Context
    ) -> StockDocument:
        """The stock after the event."""
        places = document["locations"] if document else []
        locations = {place["location"]: place["on_hand"] for place in places}
        _move(locations, event)
        on_hand = sum(locations.values())
        reserved = (document["reserved"] if document else 0) + _newly_reserved(event)
        return {
            "sku": id_of(context.recorded.stream),
            "version": context.version,
            "on_hand": on_hand,
            "reserved": reserved,
            "available": on_hand - reserved,
            "locations": _places(locations),
            "updated_at": time_text(context.occurred_at),
        }


def _move(locations: Locations, event: Event | None) -> None:
    match event:
        case StockReceived():
            locations[event.location] = locations.get(event.location, 0) + event.quantity
        case StockAdjusted():
            locations[event.location] = event.counted
        case StockIssued():
            for taken in event.taken:
                _take(locations, taken)
        case _:
            pass


def _take(locations: Locations, taken: Taken) -> None:
    locations[taken.location] = locations.get(taken.location, 0) - taken.quantity


def _newly_reserved(event: Event | None) -> int:
    match event:
        case StockReserved():
            return event.quantity - event.before
        case StockReleased() | StockIssued():
            return -event.quantity
        case _:
            return 0


def _places(locations: Locations) -> list[StockLocationDocument]:
    return [{"location": name, "on_hand": locations[name]} for name in sorted(locations)]

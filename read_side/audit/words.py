"""What an event says, in words that need no knowledge of this software."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from contracts.events import inventory, sales, users
from contracts.events.base import Event
from contracts.metadata import Metadata
from contracts.values import Actor
from read_side.port import Document

STAFF = "staff"
"""The id under which customers see whoever else had to do with their order."""
_OTHERS = {"system": "The system", "anonymous": "A visitor"}


def name_of(actor: Actor, names: Mapping[str, str]) -> str:
    """Who it was, to begin a sentence with; `names` is by user id."""
    if actor.kind == "user":
        return names.get(actor.id, f"User {actor.id}")
    return _OTHERS.get(actor.kind, f"The service {actor.id}")


def sentence(who: str, event: Event, before: Document | None, metadata: Metadata) -> str:
    """What happened, as one line."""
    say = _WORDS.get(type(event))
    what = say(event, before or {}) if say else f"caused {type(event).__name__}"
    if metadata.command == "ImportOrder" and isinstance(event, sales.OrderCreated):
        what = _imported(event)
    return " ".join(f"{who} {what}".split())


def _lines(event: sales.OrderCreated) -> str:
    number = len(event.items)
    if not number:
        return "without lines"
    return f"with {number} {'line' if number == 1 else 'lines'} for {event.total}"


def _imported(event: sales.OrderCreated) -> str:
    return f"imported the order {event.external_reference or ''} {_lines(event)}"


def _created(event: sales.OrderCreated, before: Document) -> str:
    return f"created the order {_lines(event)}"


def _item_removed(event: sales.ItemRemoved, before: Document) -> str:
    for item in cast("list[Document]", before.get("items", [])):
        if item["item_id"] == event.item_id:
            return f"took {item['quantity']} x {item['product_name']} out of the order"
    return f"took the line {event.item_id} out of the order"


def _details_changed(event: sales.ProductDetailsChanged, before: Document) -> str:
    parts: list[str] = []
    if event.name != before.get("name"):
        parts.append(f'changed the name of the product to "{event.name}"')
    if event.description != before.get("description"):
        parts.append(f'changed the description of {event.name} to "{event.description}"')
    return " and ".join(parts) or f"left name and description of {event.name} as they were"


def _price_changed(event: sales.ProductPriceChanged, before: Document) -> str:
    old = cast("dict[str, str] | None", before.get("price"))
    was = f" from {old['amount']} {old['currency']}" if old else ""
    return f"changed the price of {_product(before)}{was} to {event.price}"


def _product(before: Document) -> str:
    return str(before.get("name", "the product"))


def _reserved(event: inventory.StockReserved, before: Document) -> str:
    instead = f" instead of {event.before}" if event.before else ""
    return f"reserved {event.quantity}{instead} for order {event.order_id}"


def _released(event: inventory.StockReleased, before: Document) -> str:
    if event.quantity:
        return f"released the {event.quantity} that were reserved for order {event.order_id}"
    return f"noted that nothing is reserved for order {event.order_id} any more"


def _profile_changed(event: users.ProfileChanged, before: Document) -> str:
    parts = [
        f"the {what} from {before.get(what)} to {now}"
        for what, now in (("name", event.name), ("email", event.email))
        if before.get(what) != now
    ]
    return "changed " + (" and ".join(parts) or "nothing of the profile")


def _adjusted(event: inventory.StockAdjusted, before: Document) -> str:
    counted = f"counted {event.counted} at {event.location} instead of {event.expected}"
    return f"{counted}: {event.reason}" if event.reason.strip() else counted


def _whose(before: Document) -> str:
    return str(before.get("name", "the user"))


# Each takes the event and what there was before it (maybe nothing).
_WORDS: Mapping[type[Event], Callable[[Any, Document], str]] = {
    sales.ProductAdded: lambda e, _: f"added the product {e.name} at {e.price}",
    sales.ProductDetailsChanged: _details_changed,
    sales.ProductPriceChanged: _price_changed,
    sales.ProductDiscontinued: lambda _, before: f"discontinued {_product(before)}",
    sales.OrderCreated: _created,
    sales.ItemAdded: lambda e, _: (
        f"added {e.quantity} x {e.product_name} at {e.unit_price} to the order"
    ),
    sales.ItemRemoved: _item_removed,
    sales.OrderConfirmed: lambda e, _: "confirmed the order",
    sales.OrderCancelled: lambda e, _: f"cancelled the order: {e.reason}",
    sales.OrderShipped: lambda e, _: "marked the order as shipped",
    sales.OrderDelivered: lambda e, _: "marked the order as delivered",
    inventory.StockReceived: lambda e, _: f"received {e.quantity} at {e.location}",
    inventory.StockAdjusted: _adjusted,
    inventory.StockReserved: _reserved,
    inventory.StockReleased: _released,
    inventory.StockIssued: lambda e, _: f"issued {e.quantity} for order {e.order_id}",
    users.UserRegistered: lambda e, _: f"registered {e.name}",
    users.ProfileChanged: _profile_changed,
    users.UserDeactivated: lambda _, before: f"closed the account of {_whose(before)}",
    users.RoleGranted: lambda e, before: f"gave {_whose(before)} the role {e.role}",
    users.RoleRevoked: lambda e, before: f"took the role {e.role} from {_whose(before)}",
}

"""All event types and categories of streams."""

from __future__ import annotations

import inspect
import typing
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

import msgspec
from eventsourcing.utils import register_topic

from contracts.events import inventory, sales, users
from contracts.events.base import Event


@dataclass(frozen=True, slots=True)
class Category:
    """A kind of stream. Secret ones are never published, projected or shown."""

    name: str
    context: str
    """The context whose events they are; it may have an event store of its own."""
    published: bool = True
    secret: bool = False


CATEGORIES = {
    category.name: category
    for category in (
        Category("product", "sales"),
        Category("order", "sales"),
        Category("stock", "inventory"),
        Category("user", "users"),
        Category("sku_mapping", "inventory", published=False),
        Category("credential", "users", published=False, secret=True),
        Category("email", "users", published=False, secret=True),
        Category("session", "users", published=False, secret=True),
    )
}

PUBLISHED = tuple(category.name for category in CATEGORIES.values() if category.published)
"""The categories that may be projected and shown."""

CONTEXTS = tuple(dict.fromkeys(category.context for category in CATEGORIES.values()))
"""The contexts that have streams."""

EVENT_TYPES: dict[str, type[Event]] = {
    event.__name__: event
    for event in (
        sales.ProductAdded,
        sales.ProductDetailsChanged,
        sales.ProductPriceChanged,
        sales.ProductDiscontinued,
        sales.OrderCreated,
        sales.ItemAdded,
        sales.ItemRemoved,
        sales.OrderConfirmed,
        sales.OrderCancelled,
        sales.OrderShipped,
        sales.OrderDelivered,
        inventory.StockReceived,
        inventory.StockAdjusted,
        inventory.StockReserved,
        inventory.StockReleased,
        inventory.StockIssued,
        inventory.ProductMapped,
        users.UserRegistered,
        users.ProfileChanged,
        users.UserDeactivated,
        users.RoleGranted,
        users.RoleRevoked,
        users.PasswordSet,
        users.EmailClaimed,
        users.EmailReleased,
        users.SessionStarted,
        users.SessionRefreshed,
        users.SessionRevoked,
    )
}
"""By the name under which they are stored."""

for _event in EVENT_TYPES.values():
    register_topic(_event.TOPIC, _event)

_BOOKKEEPING = frozenset(field.name for field in fields(Event))


@cache
def data_fields(event_type: type[Event]) -> tuple[str, ...]:
    """The names of the fields that are stored as the event's data."""
    return tuple(f.name for f in fields(event_type) if f.name not in _BOOKKEEPING)


@cache
def data_type(event_type: type[Event]) -> Any:
    """A TypedDict of the event's data; fields with a default may be missing."""
    hints = typing.get_type_hints(event_type)
    required = {f.name for f in fields(event_type) if f.default is f.default_factory}
    shape = {
        name: hints[name] if name in required else typing.NotRequired[hints[name]]
        for name in data_fields(event_type)
    }
    return typing.TypedDict(event_type.__name__, shape)  # pyright: ignore


def data_schema(event_type: type[Event]) -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of the event's stored data."""
    schema = msgspec.json.schema(data_type(event_type))
    for part in schema["$defs"].values():
        if "description" in part:  # a docstring, which Python 3.13 and later keep without indents
            part["description"] = inspect.cleandoc(part["description"])
    return schema


def category_of(stream: str) -> str:
    """The category of a stream: the text before the first `-`."""
    return stream.partition("-")[0]


def id_of(stream: str) -> str:
    """The aggregate's id: the text after the first `-`."""
    return stream.partition("-")[2]


def is_secret(stream: str) -> bool:
    """Whether the stream must never be shown; streams of unknown categories count as secret."""
    category = CATEGORIES.get(category_of(stream))
    return category is None or category.secret

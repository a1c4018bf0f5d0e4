"""The least that loading an order takes: a SELECT and msgspec, with nothing between them.

A program for orders alone, on the same file: it knows this store's tables, reads the columns that
it needs and no more, decodes each type of event into its own exact struct, with amounts as exact
decimals, and as much of the metadata as it keeps (time, version of the schema, answered key, hash).
It checks nothing that the types do not say, lifts no old events, waits for nobody and forgets no
answers. From a snapshot: the row, its state into one struct, and the events since.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

_EVENTS = (
    "SELECT type, version, data, metadata FROM events WHERE stream = ? AND version > ? "
    "ORDER BY version"
)
_SNAPSHOT = "SELECT version, fingerprint, state, hash FROM snapshots WHERE stream = ?"


class _Money(msgspec.Struct):
    amount: Decimal
    currency: str


class _Line(msgspec.Struct):
    item_id: str
    product_id: str
    product_name: str
    unit_price: _Money
    quantity: int


class _Address(msgspec.Struct):
    recipient: str
    lines: list[str]
    city: str
    country: str
    region: str | None = None
    postal_code: str | None = None


class _Created(msgspec.Struct):
    customer_id: str
    items: list[_Line]
    total: _Money | None
    shipping_address: _Address
    external_reference: str | None = None
    discount: _Money | None = None
    freight: _Money | None = None


class _Removed(msgspec.Struct):
    item_id: str


class _Key(msgspec.Struct):
    key: str
    fingerprint: str
    ids: dict[str, str] = {}


class _Metadata(msgspec.Struct, rename="camel"):
    occurred_at: datetime
    schema_version: int
    idempotency: _Key | None = None
    hash: str | None = None


class _Answered(msgspec.Struct):
    fingerprint: str
    version: int
    ids: dict[str, str]


class RawOrder(msgspec.Struct):
    """The state of an order, as a snapshot has it."""

    answered: dict[str, _Answered] = {}
    status: str = "created"
    customer_id: str = ""
    items: dict[str, _Line] = {}
    external_reference: str | None = None
    modified_on: datetime | None = None
    version: int = -1
    hash: str = ""


def _create(order: RawOrder, event: _Created) -> None:
    order.customer_id = event.customer_id
    order.items = {line.item_id: line for line in event.items}
    order.external_reference = event.external_reference


def _add(order: RawOrder, event: _Line) -> None:
    order.items[event.item_id] = event


def _remove(order: RawOrder, event: _Removed) -> None:
    del order.items[event.item_id]


_STEPS: dict[str, tuple[Callable[[bytes], Any], Callable[[RawOrder, Any], None]]] = {
    "OrderCreated": (msgspec.json.Decoder(_Created).decode, _create),
    "ItemAdded": (msgspec.json.Decoder(_Line).decode, _add),
    "ItemRemoved": (msgspec.json.Decoder(_Removed).decode, _remove),
}
_decode_metadata = msgspec.json.Decoder(_Metadata).decode
_decode_state = msgspec.json.Decoder(RawOrder).decode


def replay(connection: sqlite3.Connection, stream: str, order: RawOrder) -> RawOrder:
    """The order after the events that it lacks."""
    for type_, version, data, stored in connection.execute(_EVENTS, (stream, order.version)):
        decode, apply = _STEPS[type_]
        metadata = _decode_metadata(stored)
        apply(order, decode(data))
        order.version, order.hash = version, metadata.hash or ""
        order.modified_on = metadata.occurred_at
        if (known := metadata.idempotency) is not None:
            order.answered[known.key] = _Answered(known.fingerprint, version, known.ids)
    return order


def from_events(connection: sqlite3.Connection, stream: str) -> RawOrder:
    """The order, of all its events."""
    return replay(connection, stream, RawOrder())


def from_snapshot(connection: sqlite3.Connection, stream: str) -> RawOrder:
    """The order, of its snapshot and the events since."""
    version, _, state, hash_ = connection.execute(_SNAPSHOT, (stream,)).fetchone()
    order = _decode_state(state)
    order.version, order.hash = version, hash_
    return replay(connection, stream, order)

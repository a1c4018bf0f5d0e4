"""Cursors: where a page ended, for exactly one search."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

import msgspec

from read_side.fields import Column, Value
from read_side.port import InvalidCursor, Search

_MOST_CHARACTERS = 4096


@dataclass(frozen=True, slots=True)
class Place:
    """The last document of a page: its sort value (None without a sort) and its key."""

    value: Value
    key: str


class _Cursor(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    digest: str
    value: Value
    key: str


def make_cursor(projection: str, search: Search, place: Place) -> str:
    """Say where to go on, in a text that only this search takes back."""
    cursor = _Cursor(_digest(projection, search), place.value, place.key)
    return base64.urlsafe_b64encode(msgspec.json.encode(cursor)).decode().rstrip("=")


def read_cursor(projection: str, search: Search, column: Column | None) -> Place | None:
    """The place that the search's cursor names; None when it has no cursor.

    Raises:
        InvalidCursor: it was not made for this search.
    """
    if search.cursor is None:
        return None
    cursor = _decoded(search.cursor)
    place = Place(cursor.value, cursor.key)
    if place.value is not None and (column is None or not column.accepts(place.value)):
        raise InvalidCursor("the cursor was not made for this search")
    # Holds for the digest too, and leaves one way only to write a cursor.
    if make_cursor(projection, search, place) != search.cursor:
        raise InvalidCursor("the cursor was not made for this search")
    return place


def _decoded(cursor: str) -> _Cursor:
    if len(cursor) > _MOST_CHARACTERS:
        raise InvalidCursor("the cursor is too long")
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        return msgspec.json.decode(base64.b64decode(padded, b"-_", validate=True), type=_Cursor)
    except (msgspec.DecodeError, ValueError):
        raise InvalidCursor("the cursor was not made for this search") from None


def _digest(projection: str, search: Search) -> str:
    bound_to = search.bound_to if search.bound_to is not None else tuple(search.conditions)
    what = repr((projection, search.sort, bound_to))
    return hashlib.blake2b(what.encode("utf-8", "surrogatepass"), digest_size=9).hexdigest()

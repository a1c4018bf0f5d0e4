"""Cursors of the audit: where a page ended, for exactly one question."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import msgspec

from read_side.port import InvalidCursor

_MOST_CHARACTERS = 4096


class _Cursor(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    question: str
    place: tuple[str, ...]


def make_cursor(question: Any, place: tuple[str, ...]) -> str:
    """Say where to go on, in a text that only this question takes back."""
    cursor = _Cursor(_digest(question), place)
    return base64.urlsafe_b64encode(msgspec.json.encode(cursor)).decode().rstrip("=")


def read_cursor(question: Any, text: str, length: int) -> tuple[str, ...]:
    """The place that a cursor names, of so many parts.

    Raises:
        InvalidCursor: it was not made for this question.
    """
    cursor = _decoded(text)
    if len(cursor.place) != length or make_cursor(question, cursor.place) != text:
        raise InvalidCursor("the cursor was not made for this list")
    return cursor.place


def _decoded(text: str) -> _Cursor:
    if len(text) > _MOST_CHARACTERS:
        raise InvalidCursor("the cursor is too long")
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        return msgspec.json.decode(base64.b64decode(padded, b"-_", validate=True), type=_Cursor)
    except (msgspec.DecodeError, ValueError):
        raise InvalidCursor("the cursor was not made for this list") from None


def _digest(question: Any) -> str:
    text = repr(question).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=9).hexdigest()

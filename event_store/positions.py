"""Positions as they are written: a number of the store, so that they compare as strings."""

from __future__ import annotations

from event_store.errors import InvalidPosition
from event_store.port import Position

_DIGITS = 20
_LARGEST = 2**63 - 1


def position_of(number: int) -> Position:
    """The position of that number; 0 stands for the place before the first event."""
    return Position(str(number).zfill(_DIGITS))


def number_of(position: Position | None) -> int:
    """The number of a position; 0 for None.

    Raises:
        InvalidPosition: it is not one that this store gives out.
    """
    if position is None:
        return 0
    if len(position) == _DIGITS and position.isascii() and position.isdigit():
        number = int(position)
        if number <= _LARGEST:
            return number
    raise InvalidPosition(f"{position!r} is not a position of this store")

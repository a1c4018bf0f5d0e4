"""Remembers in little memory which keys were written."""

from __future__ import annotations

from collections.abc import Iterable

_BITS = 1 << 26


class Marks:
    """A set of keys that may believe, rarely, to hold one it does not (a Bloom filter).

    Two bits a key: of a million keys that are not among a million others, a thousand seem to be.
    """

    def __init__(self) -> None:
        """Begin with no key."""
        self._bits = bytearray(_BITS >> 3)

    def add(self, keys: Iterable[str]) -> None:
        """Mark keys."""
        bits = self._bits
        for key in keys:
            mark = hash(key)
            one, two = mark % _BITS, (mark >> 32) % _BITS
            bits[one >> 3] |= 1 << (one & 7)
            bits[two >> 3] |= 1 << (two & 7)

    def __contains__(self, key: str) -> bool:
        """False for a key that was certainly not marked."""
        mark = hash(key)
        one, two = mark % _BITS, (mark >> 32) % _BITS
        return bool(self._bits[one >> 3] >> (one & 7) & self._bits[two >> 3] >> (two & 7) & 1)

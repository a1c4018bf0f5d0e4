"""New ids."""

from __future__ import annotations

import os
from collections.abc import Iterator
from uuid import UUID, SafeUUID

_AT_ONCE = 256
_FIXED_BITS = 0xF000 << 64 | 0xC000 << 48
_VERSION_4 = 0x4000 << 64 | 0x8000 << 48

_new = object.__new__
_set_number, _set_safety = (UUID.__dict__[name].__set__ for name in ("int", "is_safe"))


class _Random:
    """Random UUIDs (RFC 9562, version 4), with one call of the system for many of them."""

    def __init__(self) -> None:
        self._blocks: Iterator[bytes] = iter(())
        # A child process must not give out the same ids as its parent.
        os.register_at_fork(after_in_child=self._forget)

    def next(self) -> bytes:
        block = next(self._blocks, None)
        if block is None:
            pool = os.urandom(16 * _AT_ONCE)
            self._blocks = iter([pool[at : at + 16] for at in range(0, len(pool), 16)])
            block = next(self._blocks)
        return block

    def _forget(self) -> None:
        self._blocks = iter(())


_random = _Random()


def new_uuid() -> UUID:
    """A UUID that nobody can guess."""
    number = int.from_bytes(_random.next())
    return uuid_of(number & ~_FIXED_BITS | _VERSION_4)


def uuid_of(number: int) -> UUID:
    """The UUID of this number of 128 bits, its version and variant included.

    The same as with the constructor, which first looks at all the other ways to say it.
    """
    uuid = _new(UUID)
    _set_number(uuid, number)
    _set_safety(uuid, SafeUUID.unknown)
    return uuid


def new_id() -> str:
    """A UUID that nobody can guess, as text."""
    return uuid_text(_random.next(), version=4)


def uuid_text(block: bytes, version: int) -> str:
    """The UUID of these 16 bytes as text, its version and variant set.

    The same as with the `uuid` module, without an object: each order needs several.
    """
    text = block.hex()
    variant = "89ab"[int(text[16], 16) & 3]
    return f"{text[:8]}-{text[8:12]}-{version}{text[13:16]}-{variant}{text[17:20]}-{text[20:]}"

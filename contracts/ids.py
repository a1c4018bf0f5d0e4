"""New ids."""

from __future__ import annotations

import os
from collections.abc import Iterator
from uuid import UUID

_AT_ONCE = 256


class _Random:
    """Random UUIDs (RFC 9562, version 4), with one call of the system for many of them."""

    def __init__(self) -> None:
        self._blocks: Iterator[bytes] = iter(())
        # A child process must not give out the same ids as its parent.
        os.register_at_fork(after_in_child=self._forget)

    def next(self) -> UUID:
        block = next(self._blocks, None)
        if block is None:
            pool = os.urandom(16 * _AT_ONCE)
            self._blocks = iter([pool[at : at + 16] for at in range(0, len(pool), 16)])
            block = next(self._blocks)
        return UUID(bytes=block, version=4)

    def _forget(self) -> None:
        self._blocks = iter(())


new_uuid = _Random().next
"""A UUID that nobody can guess."""


def new_id() -> str:
    """A UUID that nobody can guess, as text."""
    return str(new_uuid())

"""Aggregates kept in memory, so that only what has happened since has to be read."""

from __future__ import annotations

from typing import Generic, TypeVar

from write_side.kernel.aggregate import Aggregate

A = TypeVar("A", bound=Aggregate)

_KEPT = 1024


class Recent(Generic[A]):
    """The last aggregates of a type that were used, as of some version.

    Whoever takes one out has it alone until it is put back.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self._kept: dict[str, A] = {}

    def take(self, aggregate_id: str) -> A | None:
        """Take one out, if it is there."""
        return self._kept.pop(aggregate_id, None)

    def put(self, aggregate: A) -> None:
        """Put one in; the one not used for longest makes place."""
        if not aggregate.exists:
            return
        self._kept[aggregate.id] = aggregate
        if len(self._kept) > _KEPT:
            del self._kept[next(iter(self._kept))]

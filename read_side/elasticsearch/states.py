"""How far a generation has come: its checkpoints and parked streams, in the generation's index.

So a generation that is deleted, or restored from a copy, goes with all that was said of it.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from contracts.parked import ParkedRequest, ParkedStream
from read_side.elasticsearch.kept import Kept, State
from read_side.port import Checkpoint

_CHECKPOINTS = "~checkpoints"
_BUCKETS = 16
_PARKED = [f"~parked-{number}" for number in range(_BUCKETS)]
"""Parked streams lie in a few objects, so that reading them all is one request in real time."""


class States:
    """Reads and writes them, beside others who do; all raise `IndexMissing`."""

    def __init__(self, kept: Kept) -> None:
        """Keep them with these means."""
        self._kept = kept

    async def checkpoints(self, index: str) -> Mapping[str, Checkpoint]:
        """The checkpoints by source."""
        state = await self._kept.read(index, _CHECKPOINTS)
        return {source: Checkpoint(source, **at) for source, at in state.items()}

    async def parked(self, index: str) -> Sequence[ParkedStream]:
        """The parked streams, oldest first."""
        found: list[ParkedStream] = []
        for state in await self._kept.read_all(index, _PARKED):
            found += [msgspec.convert(one, ParkedStream) for one in state.values()]
        return sorted(found, key=lambda one: (one.parked_at, one.stream))

    async def request(
        self, index: str, stream: str, wanted: ParkedRequest, reason: str | None
    ) -> bool:
        """Note what an operator asks for; False when the stream is not parked."""

        def ask(state: State) -> State | None:
            if stream not in state:
                return None
            return state | {stream: state[stream] | {"request": wanted, "reason": reason}}

        return stream in await self._kept.change(index, _bucket(stream), ask)

    async def park(self, index: str, park: Sequence[ParkedStream], unpark: Sequence[str]) -> None:
        """Park streams, and let others flow; one that is in both is parked."""
        new = {one.stream: msgspec.to_builtins(one) for one in park}
        for bucket in sorted({_bucket(stream) for stream in (*new, *unpark)}):
            await self._kept.change(index, bucket, _changing(bucket, new, unpark))

    async def move(self, index: str, checkpoints: Sequence[Checkpoint]) -> None:
        """Move checkpoints, beside those of other sources."""
        moved = {at.source: {"store": at.store, "position": at.position} for at in checkpoints}
        await self._kept.merge(index, _CHECKPOINTS, moved)


def _bucket(stream: str) -> str:
    return _PARKED[zlib.crc32(stream.encode()) % _BUCKETS]


def _changing(bucket: str, new: Mapping[str, Any], unpark: Iterable[str]) -> Any:
    added = {stream: one for stream, one in new.items() if _bucket(stream) == bucket}
    gone = set(unpark)

    def change(state: State) -> State | None:
        kept = {stream: one for stream, one in state.items() if stream not in gone}
        changed = kept | added
        return None if changed == state else changed

    return change

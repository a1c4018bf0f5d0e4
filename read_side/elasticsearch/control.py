"""What is kept of projections beside their generations: numbers, rebuilds, discards, pauses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from elasticsearch import BadRequestError

from read_side.elasticsearch.kept import Change, IndexMissing, Kept, State
from read_side.elasticsearch.layout import STATE
from read_side.elasticsearch.names import Names
from read_side.elasticsearch.server import Server, error_type
from read_side.elasticsearch.settings import PRIORITY, index_settings
from read_side.port import Discard
from read_side.rebuild_port import RebuildPhase

_MAPPING: Mapping[str, Any] = {
    "dynamic": "strict",
    "properties": {STATE: {"type": "object", "enabled": False}},
}


class Control:
    """One small index for all projections; it is made when something is first to be kept."""

    def __init__(self, server: Server, names: Names) -> None:
        """Keep things under these names."""
        self._server = server
        self._names = names
        self._kept = Kept(server)

    async def next_number(self, projection: str, above: int) -> int:
        """A number that no generation of the projection ever had; beyond `above`, too."""

        def count(state: State) -> State:
            return {"last": max(state.get("last", 0), above) + 1}

        return (await self.change(f"numbers-{projection}", count))["last"]

    async def rebuilds(self, projection: str) -> Mapping[int, Mapping[str, Any]]:
        """What was said of rebuilds, by the generation's number."""
        state = await self.read(f"rebuilds-{projection}")
        return {int(number): entry for number, entry in sorted(state.items())}

    async def report_rebuild(
        self,
        projection: str,
        number: int,
        phase: RebuildPhase,
        *,
        done: int,
        total: int,
        lease_seconds: float,
    ) -> None:
        """Write down how far a rebuild has come."""
        until = (datetime.now(UTC) + timedelta(seconds=lease_seconds)).isoformat()
        said = {"phase": phase, "done": done, "total": total, "lease_until": until}

        def report(state: State) -> State:
            before = state.get(str(number), {"acknowledged": False})
            return state | {str(number): before | said}

        await self.change(f"rebuilds-{projection}", report)

    async def acknowledge_rebuild(self, projection: str, number: int) -> None:
        """Write down that the owner writes to the generation."""

        def acknowledge(state: State) -> State | None:
            entry = state.get(str(number))
            return entry and state | {str(number): entry | {"acknowledged": True}}

        await self.change(f"rebuilds-{projection}", acknowledge)

    async def end_rebuild(self, projection: str, number: int) -> None:
        """Take a rebuild off the list."""

        def end(state: State) -> State | None:
            left = {key: entry for key, entry in state.items() if key != str(number)}
            return None if left == state else left

        await self.change(f"rebuilds-{projection}", end)

    async def discard(self, discard: Discard) -> None:
        """Remember a discard; of the same event the last reason counts."""

        def add(state: State) -> State:
            stream = state.get(discard.stream, {}) | {str(discard.version): discard.reason}
            return state | {discard.stream: stream}

        await self.change(f"discards-{discard.projection}", add)

    async def discards(self, projection: str) -> Sequence[Discard]:
        """The discards of a projection."""
        state = await self.read(f"discards-{projection}")
        return [
            Discard(projection, stream, int(version), reason)
            for stream, versions in state.items()
            for version, reason in versions.items()
        ]

    async def set_paused(self, projection: str, paused: bool) -> None:
        """Remember whether the projection shall stand still."""
        await self.change(f"paused-{projection}", lambda state: {"paused": paused})

    async def is_paused(self, projection: str) -> bool:
        """Whether it shall."""
        return (await self.read(f"paused-{projection}")).get("paused", False)

    async def read(self, name: str) -> State:
        """An object that is kept; empty if it is not there."""
        try:
            return await self._kept.read(self._names.control, name)
        except IndexMissing:
            return {}

    async def change(self, name: str, change: Change) -> State:
        """Change an object that is kept, or make it."""
        try:
            return await self._kept.change(self._names.control, name, change)
        except IndexMissing:
            await self._make()
            return await self._kept.change(self._names.control, name, change)

    async def _make(self) -> None:
        name = self._names.control
        await self._server.write(
            lambda client: client.indices.put_index_template(
                name=name, index_patterns=[name], priority=PRIORITY, allow_auto_create=False
            )
        )
        try:
            await self._server.write(
                lambda client: client.indices.create(
                    index=name, settings=index_settings(), mappings=_MAPPING
                ),
                expected=(BadRequestError,),
            )
        except BadRequestError as error:
            if error_type(error) != "resource_already_exists_exception":
                raise self._server.translated(error) from None

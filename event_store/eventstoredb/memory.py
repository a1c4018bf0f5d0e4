"""What is kept beside the events, in streams of its own: snapshots, checkpoints, parked streams.

Of snapshots and checkpoints the server shows the newest only (`$maxCount`). None of these streams
is ever among the events that the store gives out.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TypeVar
from uuid import uuid4

import msgspec

from contracts.parked import ParkedRequest, ParkedStream
from event_store.errors import EventStoreCorrupt
from event_store.eventstoredb.client import Client, VersionConflict
from event_store.port import (
    NO_VERSION,
    NewEvent,
    Position,
    RecordedEvent,
    Snapshot,
    StreamState,
)

Content = TypeVar("Content")

OURS = ("snapshot", "checkpoint", "parked")
"""The categories of these streams."""
_PARKED = "parked-streams"
_PAGE = 500


class _SnapshotMetadata(msgspec.Struct):
    version: int
    fingerprint: str
    hash: str = ""


class _Checkpoint(msgspec.Struct):
    position: str


class _Unparked(msgspec.Struct):
    id: str


class Snapshots:
    """The newest snapshot of each stream, in `snapshot-<stream>`: its state is the event's data."""

    def __init__(self, client: Client) -> None:
        """Keep them there."""
        self._newest = _Newest(client, "snapshot")

    async def load(self, stream: str) -> Snapshot | None:
        """The snapshot of a stream, if there is one."""
        return _snapshot(stream, await self._newest.read(stream))

    async def save(self, snapshot: Snapshot) -> None:
        """Keep it unless a newer one is there, or another comes at this moment."""
        before = await self._newest.read(snapshot.stream)
        there = _snapshot(snapshot.stream, before)
        if there is not None and there.version > snapshot.version:
            return
        about = _SnapshotMetadata(snapshot.version, snapshot.fingerprint, snapshot.hash)
        event = NewEvent(uuid4(), "Snapshot", snapshot.state, msgspec.json.encode(about))
        await self._newest.write(snapshot.stream, event, before)


class Checkpoints:
    """The checkpoint of each subscriber, in `checkpoint-<subscriber>`."""

    def __init__(self, client: Client) -> None:
        """Keep them there."""
        self._newest = _Newest(client, "checkpoint")

    async def load(self, subscriber: str) -> Position | None:
        """The checkpoint of a subscriber, if it has one."""
        event = await self._newest.read(subscriber)
        if event is None:
            return None
        return Position(_read(event, event.data, _Checkpoint).position)

    async def save(self, subscriber: str, position: Position) -> None:
        """Keep the checkpoint of a subscriber."""
        data = msgspec.json.encode(_Checkpoint(position))
        await self._newest.overwrite(subscriber, NewEvent(uuid4(), "Checkpoint", data, b"{}"))


class ParkedStreams:
    """Which streams are parked: what became of them is a stream itself, `parked-streams`."""

    def __init__(self, client: Client) -> None:
        """Keep them there."""
        self._client = client
        self._entries: dict[str, ParkedStream] = {}
        self._version = NO_VERSION
        self._turn = asyncio.Lock()

    async def all(self, subscriber: str | None) -> list[ParkedStream]:
        """Parked streams, those parked first in front."""
        async with self._turn:
            await self._follow()
            found = [it for it in self._entries.values() if subscriber in (None, it.subscriber)]
        return sorted(found, key=lambda it: (it.parked_at, it.subscriber, it.stream))

    async def park(self, entry: ParkedStream) -> None:
        """Keep a stream as parked, in place of an earlier entry."""
        await self._append("StreamParked", entry, StreamState.ANY)

    async def unpark(self, subscriber: str, stream: str) -> None:
        """Forget a parked stream."""
        await self._append("StreamUnparked", _Unparked(f"{subscriber}:{stream}"), StreamState.ANY)

    async def request(self, parked_id: str, wanted: ParkedRequest, reason: str | None) -> bool:
        """Note what an operator wants done with a parked stream."""
        async with self._turn:
            while True:
                await self._follow()
                entry = self._entries.get(parked_id)
                if entry is None:
                    return False
                entry = replace(entry, request=wanted, reason=reason)
                try:
                    await self._append("StreamParked", entry, self._version)
                except VersionConflict:
                    continue  # It may not be parked any more.
                return True

    async def _append(
        self, event_type: str, data: ParkedStream | _Unparked, expected: int | StreamState
    ) -> None:
        event = NewEvent(uuid4(), event_type, msgspec.json.encode(data), b"{}")
        await self._client.append(_PARKED, [event], expected)

    async def _follow(self) -> None:
        while True:
            events = await self._client.read_stream(
                _PARKED, start=self._version + 1, backwards=False, limit=_PAGE
            )
            for event in events:
                self._apply(event)
            if len(events) < _PAGE:
                return

    def _apply(self, event: RecordedEvent) -> None:
        if event.type == "StreamParked":
            entry = _read(event, event.data, ParkedStream)
            self._entries[entry.id] = entry
        elif event.type == "StreamUnparked":
            self._entries.pop(_read(event, event.data, _Unparked).id, None)
        self._version = event.version


class _Newest:
    """Streams of which only the last event counts."""

    def __init__(self, client: Client, category: str) -> None:
        self._client = client
        self._category = category
        self._limited: set[str] = set()

    async def read(self, name: str) -> RecordedEvent | None:
        events = await self._client.read_stream(
            f"{self._category}-{name}", start=None, backwards=True, limit=1
        )
        return events[0] if events else None

    async def write(self, name: str, event: NewEvent, before: RecordedEvent | None) -> None:
        """Put the event after the one that was read; another that came meanwhile stays."""
        stream = f"{self._category}-{name}"
        if before is None:
            await self._client.keep_newest_only(stream)
        expected = StreamState.NO_STREAM if before is None else before.version
        try:
            await self._client.append(stream, [event], expected)
        except VersionConflict:
            return

    async def overwrite(self, name: str, event: NewEvent) -> None:
        """Put the event after whatever is there."""
        stream = f"{self._category}-{name}"
        if stream not in self._limited:
            if await self.read(name) is None:
                await self._client.keep_newest_only(stream)
            self._limited.add(stream)
        await self._client.append(stream, [event], StreamState.ANY)


def _snapshot(stream: str, event: RecordedEvent | None) -> Snapshot | None:
    if event is None:
        return None
    about = _read(event, event.metadata, _SnapshotMetadata)
    return Snapshot(stream, about.version, about.fingerprint, event.data, about.hash)


def _read(event: RecordedEvent, content: bytes, kind: type[Content]) -> Content:
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise EventStoreCorrupt(f"event {event.version} of {event.stream} is not ours") from error

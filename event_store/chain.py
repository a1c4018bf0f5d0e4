"""Hashes that chain the events of a stream: without the key none can be changed unseen.

The hash of an event is an HMAC-SHA256 over the hash before it in its stream (empty where the chain
begins), stream, version, id, type, data as stored, and metadata in a canonical form. It is kept in
the metadata, as `hash`. Positions and recorded times are the store's and are not covered.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator, Sequence
from struct import Struct
from typing import Any, cast

import msgspec

from event_store.port import NewEvent

_EVENT, _CONTENT = b"orderlog event 1\0", b"orderlog content 1\0"
# With the lengths in front no two events have the same content.
_SIZES = Struct(">q5Q")
_HASH_KEY, _END = b',"hash":"', b'"}'
_HASH_LENGTH = 64
_TAIL_LENGTH = len(_HASH_KEY) + _HASH_LENGTH + len(_END)
_UNHASHED = ("hash", "recordedAt")
"""Metadata that is not covered: the hash itself, and what a migration to another store adds."""


class Chain:
    """Makes hashes with one key."""

    def __init__(self, key: bytes) -> None:
        """Whoever has the key can forge."""
        self._keyed = hmac.new(key, digestmod="sha256")

    def link(self, before: str, stream: str, version: int, event: NewEvent) -> str:
        """The hash of an event whose metadata are canonical, after the event of hash `before`."""
        earlier, where, what = before.encode(), stream.encode(), event.type.encode()
        data, metadata = event.data, event.metadata
        sizes = (len(earlier), len(where), len(what), len(data), len(metadata))
        parts = (_EVENT, _SIZES.pack(version, *sizes), event.id.bytes)
        return self._digest(b"".join((*parts, earlier, where, what, data, metadata)))

    def chained(
        self, stream: str, first: int, before: str, events: Sequence[NewEvent]
    ) -> tuple[list[NewEvent], str]:
        """Events with their hashes, the first of them at version `first`; and the last hash.

        Their metadata must be canonical, as the codec makes them, and must not have hashes.
        """
        chained: list[NewEvent] = []
        for version, event in enumerate(events, start=first):
            before = self.link(before, stream, version, event)
            metadata = b"".join((event.metadata[:-1], _HASH_KEY, before.encode(), _END))
            chained.append(NewEvent(event.id, event.type, event.data, metadata))
        return chained, before

    def signature(self, content: bytes) -> str:
        """A signature of something that is not an event."""
        return self._digest(_CONTENT + content)

    def _digest(self, content: bytes) -> str:
        keyed = self._keyed.copy()
        keyed.update(content)
        return keyed.hexdigest()


def readings(metadata: bytes) -> Iterator[tuple[str | None, bytes]]:
    """The hash in stored metadata, and the metadata in canonical form without it.

    There are two ways to read them, and one that fits the hash is enough: as they were written,
    and with any order of keys and white space, as another store may give them back.

    Raises:
        ValueError: they are not a JSON object, or say something twice.
    """
    tail = metadata[-_TAIL_LENGTH:]
    if tail.startswith(_HASH_KEY) and tail.endswith(_END):
        found = tail[len(_HASH_KEY) : -len(_END)].decode("ascii", "replace")
        yield found, metadata[:-_TAIL_LENGTH] + b"}"
    yield _read(metadata)


def hash_of(metadata: bytes) -> str | None:
    """The hash in stored metadata; None where there is none, or they can't be read."""
    try:
        return next(readings(metadata))[0]
    except ValueError:
        return None


def _read(metadata: bytes) -> tuple[str | None, bytes]:
    try:
        parts = _object(json.loads(metadata.decode(), object_pairs_hook=_no_repeats))
        covered = {name: value for name, value in parts.items() if name not in _UNHASHED}
        canonical = msgspec.json.encode(covered, order="sorted")
    except (ValueError, RecursionError, OverflowError) as error:
        raise ValueError(f"its metadata can't be read: {error}") from error
    found = parts.get("hash")
    return None if found is None else str(found), canonical


def _object(value: object) -> dict[str, Any]:
    if isinstance(value, dict):
        return cast("dict[str, Any]", value)
    raise ValueError("they are not an object")


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    parts = dict(pairs)
    if len(parts) < len(pairs):
        raise ValueError("a key is there twice")
    return parts

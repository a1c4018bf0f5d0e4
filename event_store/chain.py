"""Hashes that chain the events of a stream: without the key none can be changed unseen.

The hash of an event is an HMAC-SHA256 over the hash before it in its stream (empty where the chain
begins), stream, version, id, type, data as stored, and metadata in a canonical form. It is kept in
the metadata, as `hash`. Positions and recorded times are the store's and are not covered.
"""

from __future__ import annotations

import hashlib
import json
from binascii import b2a_base64
from collections.abc import Iterable, Iterator
from struct import Struct
from typing import Any, cast
from uuid import UUID

import msgspec

from event_store.port import NewEvent

_EVENT, _CONTENT = b"orderlog event 1\0", b"orderlog content 1\0"
# With the lengths in front no two events have the same content.
_sizes = Struct(">q5Q").pack
_BLOCK = 64
_HASH_KEY, _END = b',"hash":"', b'"}'
_HASH_LENGTH = 43
_FOR_URLS = bytes.maketrans(b"+/", b"-_")
_TAIL_LENGTH = len(_HASH_KEY) + _HASH_LENGTH + len(_END)
_UNHASHED = ("hash", "recordedAt")
"""Metadata that is not covered: the hash itself, and what a migration to another store adds."""


Unchained = tuple[UUID, str, bytes, bytes]
"""Id, type, data and metadata of an event that has no hash yet."""


class Chain:
    """Makes hashes with one key."""

    def __init__(self, key: bytes) -> None:
        """Whoever has the key can forge."""
        # HMAC (RFC 2104) as the hmac module does it, in half the time: each command waits for it.
        block = hashlib.sha256(key).digest() if len(key) > _BLOCK else key
        block = block.ljust(_BLOCK, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))

    def link(
        self,
        before: str,
        stream: str,
        version: int,
        event_id: UUID,
        event_type: str,
        data: bytes,
        metadata: bytes,
    ) -> str:
        """The hash of an event with these canonical metadata, after the one of hash `before`."""
        earlier, where, what = before.encode(), stream.encode(), event_type.encode()
        sizes = _sizes(version, len(earlier), len(where), len(what), len(data), len(metadata))
        parts = (_EVENT, sizes, event_id.bytes, earlier, where, what, data, metadata)
        return self._digest(b"".join(parts))

    def chained(
        self, stream: str, first: int, before: str, events: Iterable[Unchained]
    ) -> tuple[list[NewEvent], str]:
        """Events with their hashes, the first of them at version `first`; and the last hash.

        Their metadata must be canonical, as the codec makes them, and must not have hashes.
        """
        chained: list[NewEvent] = []
        for version, (event_id, event_type, data, metadata) in enumerate(events, start=first):
            before = self.link(before, stream, version, event_id, event_type, data, metadata)
            hashed = b"".join((metadata[:-1], _HASH_KEY, before.encode(), _END))
            chained.append(NewEvent(event_id, event_type, data, hashed))
        return chained, before

    def signature(self, content: bytes) -> str:
        """A signature of something that is not an event."""
        return self._digest(_CONTENT + content)

    def _digest(self, content: bytes) -> str:
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(content)
        outer.update(inner.digest())
        # Base64 for URLs, without the padding: shorter than hex by a third.
        text = b2a_base64(outer.digest(), newline=False).translate(_FOR_URLS)
        return text[:_HASH_LENGTH].decode()


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
        # It is stricter: what it can't read, nobody who loads the event can.
        msgspec.json.decode(metadata)
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

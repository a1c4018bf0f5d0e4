"""Events to stored bytes and back: the one place where schema versions meet."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any
from uuid import UUID

import msgspec

from contracts.events.base import Event
from contracts.metadata import Metadata, ReplayMetadata
from contracts.registry import EVENT_TYPES, data_fields, data_type, id_of
from contracts.upcasters import UPCASTERS
from event_store.chain import Unchained
from event_store.port import NewEvent, RecordedEvent

_encode = msgspec.json.Encoder().encode
# The canonical form that hashes are made of.
_encode_sorted = msgspec.json.Encoder(order="sorted").encode
_decode_metadata = msgspec.json.Decoder(Metadata).decode
_decode_replay_metadata = msgspec.json.Decoder(ReplayMetadata).decode
_decode_json = msgspec.json.Decoder(dict[str, Any]).decode

_set_attributes = object.__setattr__

# Not UTF-8 is a ValueError, nested too deeply a RecursionError.
_UNREADABLE = (msgspec.DecodeError, ValueError, RecursionError)


class CodecError(Exception):
    """An event can't be read."""


class UnknownEventType(CodecError):
    """No event of this name is known here."""


class NewerSchemaVersion(CodecError):
    """The event was written in a schema version that this software does not know yet."""


class MalformedEvent(CodecError):
    """The stored bytes are not what the event's type says."""


def encode(event: Event, metadata: Metadata, event_id: UUID) -> NewEvent:
    """Make an event ready to append.

    `metadata.schema_version` must be the event's own.
    """
    return NewEvent(*encode_unchained(event, metadata, event_id))


def encode_unchained(event: Event, metadata: Metadata, event_id: UUID) -> Unchained:
    """The same for `event_store.chain`, which needs the parts."""
    data = {name: getattr(event, name) for name in data_fields(type(event))}
    return event_id, type(event).__name__, _encode(data), _encode_sorted(metadata)


def decode_metadata(recorded: RecordedEvent) -> Metadata:
    """Read who, when and why.

    Raises:
        MalformedEvent: the metadata are not ours.
    """
    try:
        return _decode_metadata(recorded.metadata)
    except _UNREADABLE as error:
        raise MalformedEvent(_where(recorded, f"has unreadable metadata: {error}")) from error


def decode_replay_metadata(recorded: RecordedEvent) -> ReplayMetadata:
    """Read the little of them that bringing an aggregate up to date needs.

    Raises:
        MalformedEvent: that part is not ours.
    """
    try:
        return _decode_replay_metadata(recorded.metadata)
    except _UNREADABLE as error:
        raise MalformedEvent(_where(recorded, f"has unreadable metadata: {error}")) from error


def decode(recorded: RecordedEvent, metadata: Metadata | None = None) -> tuple[Event, Metadata]:
    """Read an event, lifted to its newest schema version, and its metadata.

    Raises:
        UnknownEventType: no event of that name is known.
        NewerSchemaVersion: it was written by newer software.
        MalformedEvent: the bytes don't fit the type.
    """
    metadata = metadata or decode_metadata(recorded)
    return decode_event(recorded, metadata), metadata


def decode_event(recorded: RecordedEvent, metadata: Metadata | ReplayMetadata) -> Event:
    """Read an event whose metadata were read before; see `decode`."""
    event_type = EVENT_TYPES.get(recorded.type)
    if event_type is None:
        raise UnknownEventType(_where(recorded, f"has the unknown type {recorded.type}"))
    version = metadata.schema_version
    try:
        if version == event_type.SCHEMA_VERSION:
            attributes = _decoder(event_type)(recorded.data)
        else:
            attributes = _decode_and_lift(event_type, recorded, version)
    except (*_UNREADABLE, LookupError, TypeError) as error:
        raise MalformedEvent(
            _where(recorded, f"can't be read as {recorded.type}: {error}")
        ) from error
    attributes["originator_id"] = id_of(recorded.stream)
    attributes["originator_version"] = recorded.version
    attributes["timestamp"] = metadata.occurred_at
    event = event_type.__new__(event_type)
    # The dataclass is frozen; giving it its dictionary is what its __init__ does, only faster.
    _set_attributes(event, "__dict__", attributes)
    return event


def _decode_and_lift(
    event_type: type[Event], recorded: RecordedEvent, version: int
) -> dict[str, Any]:
    if version > event_type.SCHEMA_VERSION:
        raise NewerSchemaVersion(
            _where(recorded, f"has schema version {version} of {recorded.type}, newer than known")
        )
    data = _decode_json(recorded.data)
    for step in range(version, event_type.SCHEMA_VERSION):
        data = UPCASTERS[recorded.type, step](data)
    return msgspec.convert(data, data_type(event_type))


@cache
def _decoder(event_type: type[Event]) -> Callable[[bytes], dict[str, Any]]:
    return msgspec.json.Decoder(data_type(event_type)).decode


def _where(recorded: RecordedEvent, what: str) -> str:
    return f"event {recorded.version} of {recorded.stream} {what}"

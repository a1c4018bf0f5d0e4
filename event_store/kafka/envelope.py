"""Events as records of Kafka, and back, byte for byte.

The value is a JSON object: `id`, `aggregate_id`, `aggregate_type` (the stream's category: the
stream is `<aggregate_type>-<aggregate_id>`), `type`, `schema_version`, `payload`, `version`,
`occurred_at`, `recorded_at`, `metadata`, `position`. `payload` and `metadata` are the stored bytes
as they are. `schema_version` and `occurred_at` come from the metadata: null where those, of an
event that other software appended, don't say. If what is stored is no JSON, the field is null,
and `payload_base64` or `metadata_base64` holds it: no event is left out.

The header `timestamp` is `occurred_at`, or `recorded_at` if that is null. Our own workers find
three more: `store`, the identity of the event's store; `partition`, as `Partition` is written;
and `previous`, see `Published`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec

from event_store.kafka.errors import MalformedRecord
from event_store.kafka.topics import Topics, key_of
from event_store.partitions import Partition, Published
from event_store.port import Position, RecordedEvent

Headers = list[tuple[str, bytes]]
_Moment = Annotated[datetime, msgspec.Meta(tz=True)]
_SchemaVersion = Annotated[int, msgspec.Meta(ge=0, lt=2**31)]
_NULL = msgspec.Raw(b"null")
_SPACE = ord(" ")
_UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)


class Record(msgspec.Struct, frozen=True, gc=False):
    """A record to produce; `timestamp` is in milliseconds since 1970."""

    topic: str
    partition: int
    key: bytes
    value: bytes
    headers: Headers
    timestamp: int


class Place(msgspec.Struct):
    """Where in Kafka the events of a partition go, and the last one that went there."""

    topic: str
    number: int
    headers: Headers
    """What the records of all of them have in common."""
    previous: Position | None


class _Envelope(msgspec.Struct, omit_defaults=True, gc=False):
    id: UUID
    aggregate_id: str
    aggregate_type: str
    type: str
    schema_version: int | None
    payload: msgspec.Raw
    version: int
    occurred_at: datetime | None
    recorded_at: _Moment
    metadata: msgspec.Raw
    position: str
    payload_base64: bytes | None = None
    metadata_base64: bytes | None = None


class _Told(msgspec.Struct, gc=False):
    """What of the metadata the envelope and the headers show."""

    occurred_at: _Moment | None = msgspec.field(default=None, name="occurredAt")
    schema_version: _SchemaVersion | None = msgspec.field(default=None, name="schemaVersion")
    traceparent: str | None = None
    correlation_id: str | None = msgspec.field(default=None, name="$correlationId")


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Envelope).decode
_decode_raw = msgspec.json.Decoder(msgspec.Raw).decode
_decode_told = msgspec.json.Decoder(_Told).decode
_decode_any = msgspec.json.Decoder().decode
_TOLD = {field.encode_name: field for field in msgspec.structs.fields(_Told)}


def encode(event: RecordedEvent) -> tuple[bytes, bytes, Headers]:
    """Key, value and headers of the event's record: what everyone sees of it."""
    return _encoded(event, event.position, event.recorded_at)


def _encoded(
    event: RecordedEvent, position: Position, recorded_at: datetime
) -> tuple[bytes, bytes, Headers]:
    told = _told(event.metadata)
    payload = _as_json(event.data)
    metadata = _as_json(event.metadata)
    category, _, aggregate_id = event.stream.partition("-")
    value = _Envelope(
        event.id,
        aggregate_id,
        category,
        event.type,
        told.schema_version,
        payload or _NULL,
        event.version,
        told.occurred_at,
        recorded_at,
        metadata or _NULL,
        position,
        None if payload else event.data,
        None if metadata else event.metadata,
    )
    headers = _headers(event.type, told.occurred_at or recorded_at, told)
    return key_of(aggregate_id), _encode(value), headers


def decode(value: bytes) -> RecordedEvent:
    """The event of a record's value.

    Raises:
        MalformedRecord: the relay wrote no such thing.
    """
    try:
        it = _decode(value)
    except _UNREADABLE as error:
        raise MalformedRecord(f"a record is no event: {error}") from error
    return RecordedEvent(
        it.id,
        f"{it.aggregate_type}-{it.aggregate_id}",
        it.version,
        it.type,
        bytes(it.payload) if it.payload_base64 is None else it.payload_base64,
        bytes(it.metadata) if it.metadata_base64 is None else it.metadata_base64,
        Position(it.position),
        it.recorded_at,
    )


def record_of(published: Published, topics: Topics) -> Record:
    """The record by which the relay publishes an event."""
    partition = published.partition
    place = place_of(partition, published.store, published.previous, topics)
    return record_at(place, published.event, published.event.position)


def place_of(partition: Partition, store: str, previous: Position | None, topics: Topics) -> Place:
    """Where events of the partition go; the last of them was at `previous` of that store."""
    common = [("store", store.encode()), ("partition", str(partition).encode())]
    return Place(topics.topic_of(partition.category), partition.number, common, previous)


def record_at(place: Place, event: RecordedEvent, position: Position) -> Record:
    """The record of the next event at a place; `position` is the event's own."""
    # Those that events are made of lazily are asked for once: this is done for every event.
    at = event.recorded_at
    key, value, headers = _encoded(event, position, at)
    headers += place.headers
    if place.previous is not None:
        headers.append(("previous", place.previous.encode()))
    milliseconds = int(at.timestamp()) * 1000 + at.microsecond // 1000
    return Record(place.topic, place.number, key, value, headers, max(milliseconds, 0))


def published_of(
    value: bytes, headers: Mapping[str, bytes] | Iterable[tuple[str, bytes]], topics: Topics
) -> Published:
    """What the relay published by a record with these headers.

    If it counted other partitions then than `topics` does now, it does not say what comes before
    the event in today's partition: the event's own position is given as `previous`, which has
    the reader look into the event store.

    Raises:
        MalformedRecord: the relay wrote no such thing.
    """
    event, told = decode(value), dict(headers)
    partition = topics.partition_of(event.stream)
    try:
        store, where = told["store"].decode(), told["partition"].decode()
        previous = told["previous"].decode() if "previous" in told else None
    except (KeyError, ValueError) as error:
        raise MalformedRecord(f"a record lacks a header of the relay: {error}") from error
    if partition is None:
        raise MalformedRecord(f"a record holds an event of {event.stream}, which has no topic")
    if where != str(partition):
        return Published(event, partition, store, event.position)
    return Published(event, partition, store, None if previous is None else Position(previous))


def _headers(type_: str, at: datetime, told: _Told) -> Headers:
    headers = [("eventType", type_.encode()), ("timestamp", _encode(at)[1:-1])]
    if told.traceparent is not None:
        headers.append(("traceparent", told.traceparent.encode()))
    if told.correlation_id is not None:
        headers.append(("correlationId", told.correlation_id.encode()))
    return headers


def _as_json(stored: bytes) -> msgspec.Raw | None:
    """The bytes, if they can stand within JSON and come out of it as they are."""
    try:
        raw = _decode_raw(stored)
        is_text = stored.isascii() or bool(stored.decode())
    except _UNREADABLE:
        return None
    # White space around it would be lost.
    return raw if is_text and stored[0] > _SPACE and stored[-1] > _SPACE else None


def _told(metadata: bytes) -> _Told:
    try:
        return _decode_told(metadata)
    except _UNREADABLE:
        return _told_by_others(metadata)


def _told_by_others(metadata: bytes) -> _Told:
    """As much as is to be understood of metadata that are not ours."""
    try:
        fields: Any = _decode_any(metadata)
    except _UNREADABLE:
        return _Told()
    told = _Told()
    for name, field in _TOLD.items():
        try:
            setattr(told, field.name, msgspec.convert(fields[name], field.type))
        except (*_UNREADABLE, LookupError, TypeError):
            continue
    return told

"""A recorded event as the command line shows it: lifted to its newest schema version."""

from __future__ import annotations

from typing import Any, TypedDict, cast

import msgspec

from api.cli.output import one_line
from contracts.registry import category_of, data_fields, id_of
from event_store.codec import CodecError, decode
from event_store.port import RecordedEvent


class ShownEvent(TypedDict):
    """An event as on the wire, and the stream it stands in.

    `unreadable` says why an event is shown as it is stored: it is None for all others.
    """

    id: str
    stream: str
    aggregate_id: str
    aggregate_type: str
    type: str
    schema_version: int | None
    payload: Any
    version: int
    occurred_at: str | None
    recorded_at: str
    metadata: Any
    position: str
    unreadable: str | None


def shown(recorded: RecordedEvent, position: str | None = None) -> ShownEvent:
    """The event with its payload in the newest schema version known here.

    `position` is where to go on after it, if that is not the event's own position.
    What can't be read (a newer schema version, damaged data) is shown as it is stored.
    """
    metadata = _stored(recorded.metadata)
    schema_version, occurred_at = _of(metadata, "schemaVersion"), _of(metadata, "occurredAt")
    unreadable = None
    try:
        event, _ = decode(recorded)
        names = data_fields(type(event))
        payload = msgspec.to_builtins({name: getattr(event, name) for name in names})
        schema_version = event.SCHEMA_VERSION
    except CodecError as error:
        payload, unreadable = _stored(recorded.data), str(error)
    return ShownEvent(
        id=str(recorded.id),
        stream=recorded.stream,
        aggregate_id=id_of(recorded.stream),
        aggregate_type=category_of(recorded.stream),
        type=recorded.type,
        schema_version=schema_version,
        payload=payload,
        version=recorded.version,
        occurred_at=occurred_at,
        recorded_at=cast("str", msgspec.to_builtins(recorded.recorded_at)),
        metadata=metadata,
        position=position or recorded.position,
        unreadable=unreadable,
    )


def line_of(event: ShownEvent) -> list[tuple[str, str]]:
    """The event on one line, as (text, style) parts: where, when, what, by whom, payload."""
    actor: Any = _of(event["metadata"], "actor")
    by = f"{_of(actor, 'kind')}:{_of(actor, 'id')}" if actor else "unknown"
    parts = [
        (event["position"], "dim"),
        (event["occurred_at"] or event["recorded_at"], "cyan"),
        (f"{event['stream']}@{event['version']}", "bold"),
        (event["type"], "green"),
        (f"by {by} through {_of(event['metadata'], 'command') or 'unknown'}", ""),
        (msgspec.json.encode(event["payload"]).decode(), "dim"),
    ]
    if event["unreadable"]:
        parts.append((f"(shown as stored: {one_line(event['unreadable'])})", "red"))
    return [part for text, style in parts for part in ((" ", ""), (text, style))][1:]


def _stored(content: bytes) -> Any:
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return content.decode(errors="replace")


def _of(content: object, name: str) -> Any:
    return cast("dict[str, Any]", content).get(name) if isinstance(content, dict) else None

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from api.cli.shown_event import line_of, shown
from event_store.port import Position, RecordedEvent

METADATA = {
    "$correlationId": "c",
    "$causationId": "k",
    "commandId": "k",
    "command": "AddProduct",
    "actor": {"kind": "user", "id": "77aa", "roles": ["operator"]},
    "source": "test",
    "occurredAt": "2026-01-05T10:00:00Z",
    "schemaVersion": 1,
}


def recorded(data: bytes, metadata: Any = METADATA, name: str = "ProductAdded") -> RecordedEvent:
    return RecordedEvent(
        id=UUID(int=1),
        stream="product-p1",
        version=0,
        type=name,
        data=data,
        metadata=metadata if isinstance(metadata, bytes) else json.dumps(metadata).encode(),
        position=Position("0001"),
        recorded_at=datetime(2026, 1, 5, 10, 0, 1, tzinfo=UTC),
    )


OLD = b'{"name": "Tea", "price": "12.50", "currency": "EUR"}'


def test_an_old_event_is_shown_in_its_newest_version() -> None:
    event = shown(recorded(OLD))
    assert event["payload"] == {
        "name": "Tea",
        "description": "",
        "price": {"amount": "12.50", "currency": "EUR"},
    }
    assert event["schema_version"] == 2
    assert (event["aggregate_type"], event["aggregate_id"]) == ("product", "p1")
    assert event["occurred_at"] == "2026-01-05T10:00:00Z"
    assert event["unreadable"] is None


def test_a_newer_version_an_unknown_type_and_damage_are_shown_as_stored() -> None:
    newer = shown(recorded(b'{"a": 1}', METADATA | {"schemaVersion": 99}))
    assert (newer["payload"], newer["schema_version"]) == ({"a": 1}, 99)
    assert "newer" in str(newer["unreadable"])
    unknown = shown(recorded(b'{"a": 1}', name="ProductPainted"))
    assert (unknown["payload"], unknown["type"]) == ({"a": 1}, "ProductPainted")
    damaged = shown(recorded(b"\xff{", b"\xfe"))
    assert damaged["payload"] == "\ufffd{"
    assert damaged["unreadable"] is not None
    json.dumps(damaged)


def test_a_line_says_where_what_and_by_whom() -> None:
    line = "".join(text for text, _ in line_of(shown(recorded(OLD))))
    assert line.startswith("0001 2026-01-05T10:00:00Z product-p1@0 ProductAdded by user:77aa ")
    assert line.endswith('"price":{"amount":"12.50","currency":"EUR"}}')
    assert "\n" not in line

"""The stored shape of every event, held by files.

A new event type or schema version gets its files with
`python -m tests.unit.contracts.test_golden_samples`, which never writes over one that is there.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from contracts.events.base import Event
from contracts.events.sales import ProductAdded
from contracts.registry import EVENT_TYPES, data_schema
from contracts.upcasters import UPCASTERS
from contracts.values import Money
from event_store.codec import decode, encode
from event_store.port import Position, RecordedEvent
from tests.unit.contracts.samples import ID, SAMPLES, metadata_of

GOLDEN = Path(__file__).parent / "golden"
EVENT_ID = UUID("9f1c2d3e-0000-4000-8000-0000000000ff")


def golden_file(event_type: str, version: int) -> Path:
    return GOLDEN / f"{event_type}.{version}.json"


def schema_file(event_type: str, version: int) -> Path:
    return GOLDEN / f"{event_type}.{version}.schema.json"


def stored(event: Event) -> dict[str, Any]:
    new = encode(event, metadata_of(event), EVENT_ID)
    return {"type": new.type, "data": json.loads(new.data), "metadata": json.loads(new.metadata)}


def shape_of(event_type: type[Event]) -> dict[str, Any]:
    return without_words(json.loads(json.dumps(data_schema(event_type))))


def without_words(schema: Any) -> Any:
    """The shape alone: a docstring may be put better without a new schema version."""
    if isinstance(schema, dict):
        return {
            key: without_words(part)
            for key, part in schema.items()
            if not (key == "description" and isinstance(part, str))
        }
    return [without_words(part) for part in schema] if isinstance(schema, list) else schema


def recorded(golden: dict[str, Any], category: str) -> RecordedEvent:
    return RecordedEvent(
        EVENT_ID,
        f"{category}-{ID}",
        3,
        golden["type"],
        json.dumps(golden["data"]).encode(),
        json.dumps(golden["metadata"]).encode(),
        Position("1"),
        datetime.now(UTC),
    )


def test_every_event_type_has_a_sample_and_files_of_every_schema_version():
    assert SAMPLES.keys() == EVENT_TYPES.keys()
    versions = [
        (name, version)
        for name, event_type in EVENT_TYPES.items()
        for version in range(1, event_type.SCHEMA_VERSION + 1)
    ]
    newest = {
        schema_file(name, event_type.SCHEMA_VERSION) for name, event_type in EVENT_TYPES.items()
    }
    older = {schema_file(*version) for version in versions} - newest
    there = set(GOLDEN.iterdir())
    assert there - older == {golden_file(*version) for version in versions} | newest


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_what_is_stored_is_what_the_file_says(name: str):
    event = SAMPLES[name]
    golden = json.loads(golden_file(name, event.SCHEMA_VERSION).read_text())
    assert stored(event) == golden
    assert list(stored(event)["data"]) == list(golden["data"])


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_what_the_file_says_is_read_as_the_sample(name: str):
    event = SAMPLES[name]
    golden = json.loads(golden_file(name, event.SCHEMA_VERSION).read_text())
    assert decode(recorded(golden, event.CATEGORY)) == (event, metadata_of(event))


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_the_shape_is_that_of_the_file_until_there_is_a_new_schema_version(name: str):
    event_type = EVENT_TYPES[name]
    golden = json.loads(schema_file(name, event_type.SCHEMA_VERSION).read_text())
    assert shape_of(event_type) == without_words(golden)


def test_a_schema_says_the_same_words_under_every_python():
    words = data_schema(ProductAdded)["$defs"]["Money"]["description"]
    assert words.startswith("An exact amount")
    assert "\nRaises:\n" in words


def test_every_older_schema_version_has_an_upcaster():
    assert UPCASTERS.keys() == {
        (name, version)
        for name, event_type in EVENT_TYPES.items()
        for version in range(1, event_type.SCHEMA_VERSION)
    }


@pytest.mark.parametrize(("name", "version"), UPCASTERS)
def test_an_older_sample_is_read_as_the_newest_version(name: str, version: int):
    golden = json.loads(golden_file(name, version).read_text())
    assert golden["metadata"]["schemaVersion"] == version
    event, metadata = decode(recorded(golden, EVENT_TYPES[name].CATEGORY))
    assert type(event) is EVENT_TYPES[name]
    assert metadata.schema_version == version
    again, _ = decode(recorded(stored(event), event.CATEGORY))
    assert again == event


def test_the_flat_price_of_old_products_became_money():
    golden = json.loads(golden_file("ProductAdded", 1).read_text())
    event, _ = decode(recorded(golden, "product"))
    assert isinstance(event, ProductAdded)
    assert (event.name, event.description) == ("Chai", "")
    assert event.price == Money.from_minor(1800, "EUR")


def write_missing_files() -> None:
    """Make the files of new event types and new schema versions."""
    for name, event in SAMPLES.items():
        for path, content in (
            (golden_file(name, event.SCHEMA_VERSION), stored(event)),
            (schema_file(name, event.SCHEMA_VERSION), shape_of(type(event))),
        ):
            if not path.exists():
                path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
                print(path.name)


if __name__ == "__main__":
    write_missing_files()

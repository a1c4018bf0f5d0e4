"""What the relay writes can be read again, byte for byte, and by anyone who reads JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contracts.metadata import Metadata
from contracts.registry import PUBLISHED
from contracts.values import Actor
from event_store.codec import encode as encode_event
from event_store.kafka.envelope import decode, encode, published_of, record_of
from event_store.kafka.errors import MalformedRecord
from event_store.kafka.topics import Topics
from event_store.partitions import Published
from event_store.port import Position, RecordedEvent
from tests.unit.contracts.samples import SAMPLES

TOPICS = Topics("shop.", counts=dict.fromkeys(PUBLISHED, 6))
MORE_PARTITIONS = Topics("shop.", counts={**TOPICS.counts, "order": 12})
RECORDED_AT = datetime(2026, 1, 5, 10, 0, 0, 123456, tzinfo=UTC)
METADATA = Metadata(
    correlation_id="c-1",
    causation_id="c-0",
    command_id="c-0",
    command="DoSomething",
    actor=Actor("user", "5", ("customer",)),
    source="test",
    occurred_at=datetime(2026, 1, 5, 9, tzinfo=UTC),
    schema_version=1,
    traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
)
ID = UUID("0b1e4f5a-0000-4000-8000-000000000001")


def recorded(
    data: bytes = b"{}",
    metadata: bytes = b"{}",
    stream: str = "order-1",
    type: str = "Happened",  # noqa: A002
    position: str = "00000000000000000007",
) -> RecordedEvent:
    return RecordedEvent(ID, stream, 3, type, data, metadata, Position(position), RECORDED_AT)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
).map(lambda it: json.dumps(it).encode())
STORED = st.one_of(JSON, JSON.map(lambda it: b" " + it + b"\n"), st.binary(max_size=40))
STREAMS = st.builds("{}-{}".format, st.sampled_from(PUBLISHED), st.text(max_size=12))


@given(STORED, STORED, STREAMS, st.text(min_size=1, max_size=12))
@example(b"", b"", "order-", "Happened")
@example(b'{"a":"\xff"}', b"[" * 5000, "order-1", "Happened")
@example(b"null", b'"\\ud800"', "order-1-2", "Happened")
def test_any_event_when_encoded_then_it_comes_back_as_it_was(
    data: bytes, metadata: bytes, stream: str, type_: str
):
    event = recorded(data, metadata, stream, type_)
    key, value, _ = encode(event)
    assert decode(value) == event
    assert key == stream.partition("-")[2].encode()
    told = json.loads(value)
    assert f"{told['aggregate_type']}-{told['aggregate_id']}" == stream


@pytest.mark.parametrize("name", SAMPLES)
def test_event_of_ours_when_encoded_then_all_is_as_the_interface_says(name: str):
    new = encode_event(SAMPLES[name], METADATA, ID)
    key, value, headers = encode(recorded(new.data, new.metadata, type=name))
    assert json.loads(value) == {
        "id": str(ID),
        "aggregate_id": "1",
        "aggregate_type": "order",
        "type": name,
        "schema_version": 1,
        "payload": json.loads(new.data),
        "version": 3,
        "occurred_at": "2026-01-05T09:00:00Z",
        "recorded_at": "2026-01-05T10:00:00.123456Z",
        "metadata": json.loads(new.metadata),
        "position": "00000000000000000007",
    }
    assert new.data in value
    assert new.metadata in value
    assert key == b"1"
    assert dict(headers) == {
        "eventType": name.encode(),
        "timestamp": b"2026-01-05T09:00:00Z",
        "correlationId": b"c-1",
        "traceparent": b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    }


@pytest.mark.parametrize(
    "metadata", [b"", b"{}", b"[1]", b"null", b"\xff", b'{"schemaVersion": 99999999999999999999}']
)
def test_foreign_metadata_when_encoded_then_what_they_dont_say_is_null(metadata: bytes):
    _, value, headers = encode(recorded(metadata=metadata))
    told = json.loads(value)
    assert told["schema_version"] is told["occurred_at"] is None
    assert dict(headers) == {
        "eventType": b"Happened",
        "timestamp": b"2026-01-05T10:00:00.123456Z",
    }


def test_metadata_partly_foreign_when_encoded_then_what_is_understood_is_told():
    metadata = b'{"occurredAt": "yesterday", "schemaVersion": 2, "$correlationId": "c"}'
    _, value, headers = encode(recorded(metadata=metadata))
    told = json.loads(value)
    assert (told["schema_version"], told["occurred_at"]) == (2, None)
    assert dict(headers)["correlationId"] == b"c"


def test_no_json_when_encoded_then_it_travels_as_base64():
    _, value, _ = encode(recorded(data=b"\x00\x01", metadata=b'{"a":1}'))
    told = json.loads(value)
    assert (told["payload"], told["payload_base64"]) == (None, "AAE=")
    assert told["metadata"] == {"a": 1}
    assert "metadata_base64" not in told


@pytest.mark.parametrize("previous", [None, Position("00000000000000000003")])
def test_published_when_read_again_then_it_says_what_comes_before(previous: Position | None):
    event = recorded()
    partition = TOPICS.partition_of(event.stream)
    assert partition is not None
    published = Published(event, partition, "a store", previous)
    record = record_of(published, TOPICS)
    assert (record.topic, record.partition) == ("shop.order-events", partition.number)
    assert record.timestamp == 1_767_607_200_123
    assert published_of(record.value, record.headers, TOPICS) == published
    assert published_of(record.value, dict(record.headers), TOPICS) == published


def test_published_among_fewer_partitions_when_read_then_the_reader_has_to_look_itself():
    event = recorded()
    partition = TOPICS.partition_of(event.stream)
    assert partition is not None
    record = record_of(Published(event, partition, "a store", None), TOPICS)
    read = published_of(record.value, record.headers, MORE_PARTITIONS)
    assert read.partition == MORE_PARTITIONS.partition_of(event.stream)
    assert read.previous == event.position


def test_recorded_before_1970_when_published_then_kafka_is_given_a_time_it_takes():
    at = datetime(1969, 1, 1, tzinfo=UTC)
    old = replace(recorded(), recorded_at=at)
    partition = TOPICS.partition_of(old.stream)
    assert partition is not None
    record = record_of(Published(old, partition, "s", None), TOPICS)
    assert record.timestamp == 0
    assert decode(record.value).recorded_at == at


@pytest.mark.parametrize("value", [b"", b"{}", b"[]", b"\xff", b'{"id": 1}', b"[" * 5000])
def test_something_else_when_decoded_then_it_is_malformed(value: bytes):
    with pytest.raises(MalformedRecord):
        decode(value)


@pytest.mark.parametrize(
    ("stream", "headers"),
    [
        ("order-1", {}),
        ("order-1", {"store": b"s"}),
        ("order-1", {"store": b"\xff", "partition": b"order/0/6"}),
        ("credential-1", {"store": b"s", "partition": b"order/0/6"}),
    ],
)
def test_record_without_what_the_relay_adds_then_it_is_malformed(
    stream: str, headers: dict[str, bytes]
):
    _, value, _ = encode(recorded(stream=stream))
    with pytest.raises(MalformedRecord):
        published_of(value, headers, TOPICS)


def test_times_with_another_offset_then_the_instant_is_kept():
    metadata = b'{"occurredAt":"2026-01-05T11:00:00+02:00","schemaVersion":1}'
    _, value, _ = encode(recorded(metadata=metadata))
    told = datetime.fromisoformat(json.loads(value)["occurred_at"])
    assert told == datetime(2026, 1, 5, 11, tzinfo=timezone(timedelta(hours=2)))

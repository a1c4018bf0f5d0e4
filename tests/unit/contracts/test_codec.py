from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.events.base import Event
from contracts.events.sales import OrderCreated
from contracts.registry import EVENT_TYPES
from event_store.codec import (
    MalformedEvent,
    NewerSchemaVersion,
    UnknownEventType,
    decode,
    decode_event,
    decode_metadata,
    decode_replay_metadata,
    encode,
)
from event_store.port import NewEvent, Position, RecordedEvent
from tests.unit.contracts.samples import ADA, OCCURRED_AT, SAMPLES, metadata_of
from tests.unit.contracts.strategies import events

TOO_DEEP = b"[" * 100_000 + b"]" * 100_000


def recorded(new: NewEvent, event: Event) -> RecordedEvent:
    return RecordedEvent(
        new.id,
        f"{event.CATEGORY}-{event.originator_id}",
        event.originator_version,
        new.type,
        new.data,
        new.metadata,
        Position("1"),
        datetime.now(UTC),
    )


def sample(
    name: str = "OrderCreated",
    *,
    type_: str | None = None,
    data: bytes | None = None,
    metadata: bytes | None = None,
) -> RecordedEvent:
    event = SAMPLES[name]
    new = encode(event, metadata_of(event), uuid4())
    return recorded(
        NewEvent(
            new.id,
            type_ or new.type,
            new.data if data is None else data,
            new.metadata if metadata is None else metadata,
        ),
        event,
    )


def with_metadata(**changes: Any) -> bytes:
    metadata = json.loads(sample().metadata)
    return json.dumps({**metadata, **changes}).encode()


@pytest.mark.parametrize("event_type", EVENT_TYPES.values(), ids=EVENT_TYPES)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_any_event_is_read_as_it_was_written(event_type: type[Event], data: st.DataObject):
    event = data.draw(events(event_type))
    metadata = metadata_of(event)
    read, read_metadata = decode(recorded(encode(event, metadata, uuid4()), event))
    assert read == event
    assert type(read) is event_type
    assert read_metadata == metadata


def test_bookkeeping_of_the_library_is_not_stored():
    stored = json.loads(sample().data)
    assert not stored.keys() & {"originator_id", "originator_version", "timestamp"}
    assert "topic" not in sample().data.decode()


def test_metadata_have_the_names_of_the_event_store_and_leave_out_what_is_not_there():
    event = SAMPLES["OrderShipped"]
    bare = msgspec.structs.replace(metadata_of(event), traceparent=None, idempotency=None)
    assert json.loads(encode(event, bare, uuid4()).metadata) == {
        "$correlationId": bare.correlation_id,
        "$causationId": bare.causation_id,
        "commandId": bare.command_id,
        "command": "DoSomething",
        "actor": {"kind": "user", "id": ADA.id, "roles": ["customer", "auditor"]},
        "source": "http",
        "occurredAt": "2026-01-05T10:00:00.250000Z",
        "schemaVersion": 1,
    }
    assert bare.occurred_at == OCCURRED_AT


def test_fields_with_a_default_may_be_missing():
    data = json.loads(sample().data)
    for name in ("external_reference", "discount", "freight"):
        del data[name]
    event, _ = decode(sample(data=json.dumps(data).encode()))
    assert isinstance(event, OrderCreated)
    assert (event.external_reference, event.discount, event.freight) == (None, None, None)


def test_fields_that_are_not_known_are_passed_over():
    event, _ = decode(sample("OrderShipped", data=b'{"carrier":"by sea"}'))
    assert event == SAMPLES["OrderShipped"]


def test_an_unknown_type_is_told_apart():
    with pytest.raises(UnknownEventType, match=r"event 3 of order-.* has the unknown type Gift"):
        decode(sample(type_="GiftWrapped"))


def test_a_newer_schema_version_is_never_guessed():
    with pytest.raises(NewerSchemaVersion, match="schema version 2 of OrderCreated"):
        decode(sample(metadata=with_metadata(schemaVersion=2)))


@pytest.mark.parametrize("version", [0, -1, -(10**9)])
def test_a_schema_version_that_never_was_is_malformed(version: int):
    with pytest.raises(MalformedEvent):
        decode(sample(metadata=with_metadata(schemaVersion=version)))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"null", id="null"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"{", id="cut off"),
        pytest.param(b"{}", id="fields missing"),
        pytest.param(b'{"price":{"amount":"12.505","currency":"EUR"}}', id="too exact"),
        pytest.param(b'{"price":{"amount":"NaN","currency":"EUR"}}', id="not a number"),
        pytest.param(b'{"price":{"amount":"1E999999","currency":"EUR"}}', id="too large"),
        pytest.param(b'{"price":{"amount":"1","currency":"EUX"}}', id="no such currency"),
        pytest.param(b'{"price":"\xff"}', id="not UTF-8"),
        pytest.param(b'{"other":' + TOO_DEEP + b"}", id="too deep"),
    ],
)
def test_data_that_do_not_fit_are_malformed(data: bytes):
    with pytest.raises(MalformedEvent, match="can't be read as ProductPriceChanged"):
        decode(sample("ProductPriceChanged", data=data))


@pytest.mark.parametrize("data", [b"{}", b'{"price":1,"currency":null,"name":"a"}', b"[1]"])
def test_old_data_that_do_not_fit_are_malformed(data: bytes):
    with pytest.raises(MalformedEvent):
        decode(sample("ProductAdded", data=data, metadata=with_metadata(schemaVersion=1)))


@pytest.mark.parametrize(
    "metadata",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{}", id="fields missing"),
        pytest.param(b'{"$correlationId":"\xff"}', id="not UTF-8"),
        pytest.param(b'{"other":' + TOO_DEEP + b"}", id="too deep"),
        pytest.param(with_metadata(schemaVersion="1"), id="a version as text"),
        pytest.param(with_metadata(occurredAt="2026-01-05T10:00:00"), id="no time zone"),
        pytest.param(with_metadata(actor={"kind": "robot", "id": "x"}), id="no such actor"),
    ],
)
def test_metadata_that_are_not_ours_are_malformed(metadata: bytes):
    with pytest.raises(MalformedEvent, match="has unreadable metadata"):
        decode_metadata(sample(metadata=metadata))
    with pytest.raises(MalformedEvent, match="has unreadable metadata"):
        decode(sample(metadata=metadata))


@pytest.mark.parametrize("event", SAMPLES.values(), ids=SAMPLES)
def test_replay_reads_the_same_event_of_less_metadata(event: Event):
    stored = recorded(encode(event, metadata_of(event), uuid4()), event)
    whole, little = decode_metadata(stored), decode_replay_metadata(stored)
    for name in little.__struct_fields__:
        assert getattr(little, name) == getattr(whole, name)
    assert decode_event(stored, little) == decode(stored)[0] == event


@pytest.mark.parametrize(
    "metadata",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b'{"other":' + TOO_DEEP + b"}", id="too deep"),
        pytest.param(with_metadata(schemaVersion="1"), id="a version as text"),
        pytest.param(with_metadata(occurredAt="2026-01-05T10:00:00"), id="no time zone"),
        pytest.param(with_metadata(idempotency={"key": 1}), id="no such answer"),
    ],
)
def test_replay_refuses_metadata_that_are_not_ours(metadata: bytes):
    with pytest.raises(MalformedEvent, match="has unreadable metadata"):
        decode_replay_metadata(sample(metadata=metadata))

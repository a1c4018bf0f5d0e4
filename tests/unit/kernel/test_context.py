from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.metadata import Metadata
from contracts.values import SYSTEM, Actor
from event_store.port import Position, RecordedEvent
from tests.support.commands import ADA, EVE, asked
from write_side.kernel.context import by_system, caused_by, derived_id

PARTS = st.lists(st.text("ab\x1f:1", max_size=4), min_size=1, max_size=4)


@settings(max_examples=200, deadline=None)
@given(PARTS, PARTS)
def test_other_parts_other_id(one: list[str], other: list[str]):
    assert (derived_id(*one) == derived_id(*other)) == (one == other)
    assert str(UUID(derived_id(*one))) == derived_id(*one)


def test_a_key_belongs_to_its_caller():
    assert asked(ADA, key="k").key() == asked(ADA, key="k").key()
    assert asked(ADA, key="k").key() != asked(EVE, key="k").key()
    assert asked(ADA, key="k").key() != asked(Actor("service", ADA.id), key="k").key()
    assert asked(ADA).key() is None


def test_new_ids_derive_from_caller_collection_and_key():
    new = asked(ADA, key="k").new_id("orders")
    assert new == asked(ADA, key="k").new_id("orders")
    others = [
        asked(EVE, key="k").new_id("orders"),
        asked(ADA, key="l").new_id("orders"),
        asked(ADA, key="k").new_id("products"),
    ]
    assert len({new, *others}) == 4


def test_without_a_key_each_new_id_is_another():
    context = asked(ADA)
    assert context.new_id("orders") != context.new_id("orders")


def test_a_command_caused_by_an_event_is_the_same_each_time():
    recorded = RecordedEvent(
        uuid4(), "order-1", 0, "OrderCreated", b"{}", b"{}", Position("1"), datetime.now(UTC)
    )
    metadata = Metadata("corr", "cause", "c", "CreateOrder", ADA, "http", datetime.now(UTC), 1)
    first, second = (caused_by(recorded, metadata, "policy") for _ in range(2))
    assert first.command_id == second.command_id
    assert first.command_id != caused_by(recorded, metadata, "other policy").command_id
    assert (first.correlation_id, first.causation_id) == ("corr", str(recorded.id))
    assert first.actor == SYSTEM


def test_what_the_system_does_of_itself_begins_a_correlation():
    one, other = by_system("timer"), by_system("timer")
    assert one.correlation_id != other.correlation_id
    assert one.actor.has("operator")


@pytest.mark.parametrize("kind", ["user", "service", "anonymous"])
def test_only_the_system_has_every_role(kind: str):
    assert not Actor(kind, "x").has("customer", "operator", "auditor", "service")  # pyright: ignore
    assert Actor(kind, "x", ("auditor",)).has("operator", "auditor")  # pyright: ignore
    assert not Actor(kind, "x", ("auditor",)).has()  # pyright: ignore

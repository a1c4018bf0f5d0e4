"""Whose the personal data in events are: this list is checked against the marks."""

from __future__ import annotations

import typing
from typing import Any

import pytest

from contracts.events.base import Event
from contracts.registry import EVENT_TYPES, data_fields
from contracts.values import Address, Personal

MARKED = {
    ("OrderCreated", "shipping_address"): "customer_id",
    ("UserRegistered", "name"): "originator_id",
    ("UserRegistered", "email"): "originator_id",
    ("ProfileChanged", "name"): "originator_id",
    ("ProfileChanged", "email"): "originator_id",
    ("EmailClaimed", "prepared"): "user_id",
}
NOT_OF_A_PERSON = {("ProductAdded", "name"), ("ProductDetailsChanged", "name")}
TELLING_NAMES = ("name", "email", "phone", "address", "recipient", "birth")


def hints(event_type: type[Event]) -> dict[str, Any]:
    found = typing.get_type_hints(event_type, include_extras=True)
    return {name: found[name] for name in data_fields(event_type)}


def mark_of(hint: Any) -> str | None:
    marks = [extra for extra in getattr(hint, "__metadata__", ()) if isinstance(extra, Personal)]
    return marks[0].of if marks else None


def all_fields() -> list[tuple[str, str, Any]]:
    return [(e, name, hint) for e, t in EVENT_TYPES.items() for name, hint in hints(t).items()]


def test_exactly_the_personal_fields_are_marked_with_whose_they_are():
    marked = {(e, name): mark_of(hint) for e, name, hint in all_fields() if mark_of(hint)}
    assert marked == MARKED


@pytest.mark.parametrize(("event", "name"), MARKED)
def test_the_person_is_named_by_a_field_of_the_event(event: str, name: str):
    owner = MARKED[event, name]
    assert owner == "originator_id" or owner in data_fields(EVENT_TYPES[event])


def test_no_field_that_sounds_like_a_person_is_without_a_mark():
    forgotten = {
        (event, name)
        for event, name, hint in all_fields()
        if name in TELLING_NAMES or name.endswith(TELLING_NAMES[1:]) or contains(hint, Address)
    } - MARKED.keys()
    assert forgotten == NOT_OF_A_PERSON


def contains(hint: Any, wanted: type) -> bool:
    return hint is wanted or any(contains(part, wanted) for part in typing.get_args(hint))

"""Differences of documents."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from read_side.audit.changes import difference


def money(amount: str) -> dict[str, Any]:
    return {"amount": amount, "currency": "EUR", "minor": int(float(amount) * 100)}


def line(item_id: str, quantity: int) -> dict[str, Any]:
    return {"item_id": item_id, "quantity": quantity, "unit_price": money("1.00")}


def changed(path: str, before: Any, after: Any) -> dict[str, Any]:
    return {"path": path, "before": before, "after": after}


def test_what_only_repeats_the_entry_is_left_out():
    before = {"id": "1", "version": 1, "updated_at": "a", "status": "created", "confirmed_at": None}
    after = {"id": "1", "version": 2, "updated_at": "b", "status": "confirmed", "confirmed_at": "b"}
    assert difference(before, after) == [changed("status", "created", "confirmed")]
    assert difference(after, after) == []


def test_an_amount_changes_as_a_whole_and_without_minor_units():
    before, after = {"price": money("1.00")}, {"price": money("2.00")}
    assert difference(before, after) == [
        changed(
            "price",
            {"amount": "1.00", "currency": "EUR"},
            {"amount": "2.00", "currency": "EUR"},
        )
    ]
    assert difference({"price": None}, {"price": None}) == []


def test_objects_of_a_list_are_named_by_their_id():
    shown = {"item_id": "b", "quantity": 2, "unit_price": {"amount": "1.00", "currency": "EUR"}}
    a, b = line("a", 1), line("b", 2)
    assert difference({"items": [a]}, {"items": [a, b]}) == [changed("items.b", None, shown)]
    assert difference({"items": []}, {"items": [b]}) == [changed("items.b", None, shown)]
    assert difference(None, {"items": [b]}) == [changed("items.b", None, shown)]
    assert difference({"items": [b, a]}, {"items": [a]}) == [changed("items.b", shown, None)]
    assert difference({"items": [a, b]}, {"items": [line("a", 5), b]}) == [
        changed("items.a.quantity", 1, 5)
    ]
    assert difference({"locations": [{"location": "x", "on_hand": 1}]}, {"locations": []}) == [
        changed("locations.x", {"location": "x", "on_hand": 1}, None)
    ]


def test_a_beginning_is_all_that_is_there():
    assert difference(None, {"name": "Tea", "roles": ["a"], "note": None, "items": []}) == [
        changed("name", None, "Tea"),
        changed("roles", None, ["a"]),
    ]
    assert difference(None, None) == []


NAMES = st.sampled_from("abcd")
VALUES = st.recursive(
    st.none() | st.integers(0, 3) | st.text("xy", max_size=2),
    lambda inner: st.dictionaries(NAMES, inner, max_size=3) | st.lists(inner, max_size=2),
    max_leaves=6,
)
DOCUMENTS = st.dictionaries(NAMES, VALUES, max_size=4)


def applied(document: dict[str, Any], changes: list[dict[str, Any]]) -> dict[str, Any]:
    made = deepcopy(document)
    for change in changes:
        *above, name = change["path"].split(".")
        at = made
        for step in above:
            at = at[step]
        at[name] = change["after"]
    return made


def without_nothing(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {name: without_nothing(one) for name, one in value.items()}
        return {name: one for name, one in kept.items() if one not in (None, {}, [])}
    return value


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(DOCUMENTS, DOCUMENTS)
def test_the_changes_lead_from_one_document_to_the_other(before, after):
    changes = difference(before, after)
    assert without_nothing(applied(before, changes)) == without_nothing(after)
    assert difference(after, after) == []
    back = {
        change["path"]: (change["after"], change["before"]) for change in difference(after, before)
    }
    assert back == {change["path"]: (change["before"], change["after"]) for change in changes}

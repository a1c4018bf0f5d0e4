"""What is different between two states of a document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from typing_extensions import TypedDict

from read_side.port import Document

LEFT_OUT = frozenset(
    {
        "id",
        "sku",
        "version",
        "updated_at",
        "created_at",
        "created_day",
        "registered_at",
        "confirmed_at",
        "shipped_at",
        "delivered_at",
        "cancelled_at",
        "name_key",
    }
)
"""Fields that only repeat what the entry says itself (which, when) or what another field says."""
_KEYS = ("item_id", "location")
"""What tells the objects of a list apart."""
_MONEY = frozenset({"amount", "currency"})


class Change(TypedDict):
    """One value that is not what it was; null stands for nothing.

    `path` has a dot between names; in a list, an object is named by its id.
    """

    path: str
    before: Any
    after: Any


def difference(before: Document | None, after: Document | None) -> list[Change]:
    """All values that differ, by path. What came or went as a whole is one change."""
    return list(_differences("", _plain(before or {}), _plain(after or {})))


def _plain(document: Document) -> Document:
    return {name: _shown(value) for name, value in document.items() if name not in LEFT_OUT}


def _shown(value: Any) -> Any:
    """A value as answers show it: amounts without minor units, lists of objects by their ids."""
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        if fields.keys() >= _MONEY:
            return {"amount": fields["amount"], "currency": fields["currency"]}
        return {name: _shown(one) for name, one in fields.items()}
    if isinstance(value, list | tuple):
        return _listed([_shown(one) for one in cast("list[Any]", value)])
    return value


def _listed(values: list[Any]) -> Any:
    for key in _KEYS:
        if values and all(isinstance(one, dict) and key in one for one in values):
            return _ByKey({str(one[key]): one for one in values})
    return values


class _ByKey(dict[str, Any]):
    """A list of objects that can be told apart."""


def _differences(path: str, before: Any, after: Any) -> Iterator[Change]:
    if before == after or (_is_nothing(before) and _is_nothing(after)):
        return
    if isinstance(before, _ByKey) or isinstance(after, _ByKey):
        before, after = before or {}, after or {}
    if _has_parts(before) and _has_parts(after):
        for name in dict.fromkeys([*before, *after]):
            inner = f"{path}.{name}" if path else name
            yield from _differences(inner, before.get(name), after.get(name))
    else:
        yield {"path": path, "before": before, "after": after}


def _has_parts(value: Any) -> bool:
    """Whether its fields are compared one by one; an amount is nothing without its currency."""
    return isinstance(value, dict) and cast("dict[str, Any]", value).keys() != _MONEY


def _is_nothing(value: Any) -> bool:
    return value is None or value in ([], {})

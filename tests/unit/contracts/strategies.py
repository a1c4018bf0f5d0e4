"""Hypothesis strategies for values and events, made from their type hints."""

from __future__ import annotations

import typing
from datetime import UTC, datetime
from functools import cache
from typing import Any

from hypothesis import strategies as st

from contracts.events.base import Event
from contracts.events.inventory import Taken
from contracts.events.sales import OrderLine
from contracts.events.users import PreparedEvent
from contracts.registry import data_fields
from contracts.values import MAX_MINOR, ROLES, Actor, Address, Money

CURRENCIES = st.sampled_from(["EUR", "JPY", "KWD", "USD", "CLF"])
TEXT = st.text(max_size=12)
TIMES = st.datetimes(min_value=datetime(1900, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def minors(below: int = MAX_MINOR) -> st.SearchStrategy[int]:
    """Amounts in minor units."""
    return st.integers(1 - below, below - 1)


def moneys(below: int = MAX_MINOR) -> st.SearchStrategy[Money]:
    """Money of any of some currencies, below that many minor units."""
    return st.builds(Money.from_minor, minors(below), CURRENCIES)


_ROLES = st.sampled_from(ROLES)
_LEAVES: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXT,
    int: st.integers(-(2**63), 2**63 - 1),
    datetime: TIMES,
    Money: moneys(),
    Actor: st.builds(
        Actor,
        st.sampled_from(["user", "service", "system", "anonymous"]),
        TEXT,
        st.lists(_ROLES, max_size=2).map(tuple),
    ),
    Address: st.builds(
        Address,
        recipient=TEXT,
        lines=st.lists(TEXT, max_size=3).map(tuple),
        city=TEXT,
        country=TEXT,
        region=st.none() | TEXT,
        postal_code=st.none() | TEXT,
    ),
}


def of_hint(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a type hint as events use them."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint in _LEAVES:
        return _LEAVES[hint]
    if origin is tuple:
        return st.lists(of_hint(arguments[0]), max_size=3).map(tuple)
    if origin is typing.Literal:
        return st.sampled_from(arguments)
    if type(None) in arguments:
        return st.none() | of_hint(next(part for part in arguments if part is not type(None)))
    if hint in (OrderLine, Taken, PreparedEvent):
        parts = typing.get_type_hints(hint)
        return st.builds(hint, **{name: of_hint(part) for name, part in parts.items()})
    raise TypeError(f"no strategy for {hint}")


@cache
def events(event_type: type[Event]) -> st.SearchStrategy[Event]:
    """Events of that type."""
    hints = typing.get_type_hints(event_type)
    return st.builds(
        event_type,
        originator_id=st.uuids().map(str),
        originator_version=st.integers(0, 2**31),
        timestamp=TIMES,
        **{name: of_hint(hints[name]) for name in data_fields(event_type)},
    )

"""What a filter lets the query look for, and what it accepts."""

from __future__ import annotations

import re

import pytest

from event_store.dev_server.filters import Filter
from event_store.dev_server.records import Record


def _record(stream: str = "order-1", type_: str = "OrderPlaced") -> Record:
    return Record(1, stream, 0, b"", type_, 1, b"", b"", 0)


@pytest.mark.parametrize(
    ("regex", "prefixes"),
    [
        (r"^order-", ("order-",)),
        (r"^order-.*$", ("order-",)),
        (r"^order-|^stock-.*$", ("order-", "stock-")),
        (r"^(?:order|stock)-.*$", ("order-", "stock-")),
        (r"^(order|stock)$", ("order", "stock")),
        (r"^\$ce\-", ("$ce-",)),
        (r"order-", None),
        (r"^order-.*|stock-.*$", None),
        (r"^orders?-", None),
        (r"^order.-", None),
        (r"^(?!order-)", None),
        (r"^(?i:order)-", None),
        (r"", ()),
    ],
)
def test_a_list_of_prefixes_is_recognized_in_an_expression(regex, prefixes):
    assert Filter("stream", regex=regex).prefixes == prefixes


def test_the_query_never_looks_for_less_than_the_expression_finds():
    names = ["order-1", "orders-1", "order", "stock-1", "xorder-1", "order-\n"]
    for regex in (r"^order-", r"^(?:order|stock)-.*$", r"^order|^stock-", r"^order$"):
        wanted = Filter("stream", regex=regex)
        for name in names:
            found = re.search(regex, name) is not None
            assert wanted.accepts(_record(stream=name)) is found
            assert name.startswith(wanted.prefixes) or not found


@pytest.mark.parametrize(
    ("prefixes", "categories"),
    [
        (("order-", "stock-"), ("order-", "stock-")),
        (("order-", "order"), None),
        (("order-1",), None),
        (("",), None),
        ((), None),
    ],
)
def test_prefixes_that_are_categories_are_known(prefixes, categories):
    assert Filter("stream", prefixes=prefixes).categories == categories


def test_no_type_is_a_category():
    assert Filter("type", prefixes=("order-",)).categories is None


def test_more_prefixes_than_a_query_can_hold_are_compared_afterwards():
    wanted = Filter("stream", prefixes=tuple(f"s{number}-" for number in range(1000)))
    assert wanted.prefixes is None
    assert wanted.accepts(_record(stream="s999-1"))
    assert not wanted.accepts(_record(stream="t-1"))


@pytest.mark.parametrize(
    "hidden",
    [
        _record(type_="$epoch-information"),
        _record(stream="$persistentsubscription-$all::group-checkpoint"),
        _record(stream="$persistentsubscription-$all::group-parked"),
    ],
)
def test_events_of_the_servers_own_bookkeeping_are_hidden(hidden):
    assert not Filter("type", prefixes=("",)).accepts(hidden)
    assert Filter("type", prefixes=("",)).accepts(_record(stream="$persistentsubscription-x"))

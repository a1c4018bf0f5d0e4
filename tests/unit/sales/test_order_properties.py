"""Whatever is asked of an order, its total is that of its items, live and replayed."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.errors import NotFound, Refused
from contracts.events.base import Event
from contracts.events.sales import OrderConfirmed, OrderCreated, OrderLine
from contracts.values import Actor, Address, Money
from tests.support.aggregates import AT, ID
from write_side.kernel.aggregate import dump_state, restore_state
from write_side.sales.order import Order

ADA = Actor("user", "ada", ("customer",))
ADDRESS = Address("Ada", ("1 Street",), "Paris", "FR")
ITEMS = st.sampled_from(["a", "b", "c", "d"])
LINES = st.builds(
    OrderLine,
    item_id=ITEMS,
    product_id=st.sampled_from(["tea", "cake"]),
    product_name=st.just("P"),
    unit_price=st.builds(
        Money.from_minor, st.integers(0, 10**11 - 1), st.sampled_from(["EUR", "EUR", "EUR", "JPY"])
    ),
    quantity=st.integers(1, 10_000),
)
STEPS = st.one_of(
    st.tuples(st.just("add_item"), LINES),
    st.tuples(st.just("add_item"), LINES),
    st.tuples(st.just("remove_item"), ITEMS),
    st.sampled_from([("confirm", None), ("mark_shipped",), ("mark_delivered",)]),
    st.just(("cancel", "no", ADA)),
)


def lines_without_repeats() -> st.SearchStrategy[list[OrderLine]]:
    return st.lists(LINES, max_size=3, unique_by=lambda line: line.item_id)


def carry_out(order: Order, step: tuple[Any, ...]) -> None:
    verb, *arguments = step
    with suppress(Refused, NotFound):
        getattr(order, verb)(*arguments, at=AT)


def sum_of_items(order: Order) -> tuple[int, str] | None:
    lines = list(order.items.values())
    if not lines:
        return None
    (currency,) = {line.unit_price.currency for line in lines}
    return sum(line.unit_price.minor * line.quantity for line in lines), currency


def total(money: Money | None) -> tuple[int, str] | None:
    return None if money is None else (money.minor, money.currency)


@settings(max_examples=80, deadline=None)
@given(lines_without_repeats(), st.lists(STEPS, max_size=15))
def test_the_total_is_that_of_the_items_after_any_commands(lines: list[OrderLine], steps: Any):
    order = Order.blank(ID)
    carry_out(order, ("create", "ada", lines, ADDRESS))
    for step in steps if order.exists else []:
        before = order.status, dict(order.items)
        carry_out(order, step)
        assert total(order.total) == sum_of_items(order)
        if before[0] != "created":
            assert order.items == before[1]
    happened: list[Event] = order.collect_events()  # pyright: ignore
    for event in happened:
        if isinstance(event, OrderConfirmed):
            assert total(event.total) == sum_of_items(order)
        if isinstance(event, OrderCreated):
            assert (event.total is None) == (not event.items)
    replayed = Order.blank(ID)
    for event in happened:
        event.mutate(replayed)
    restored = Order.blank(ID)
    restore_state(restored, order.version, dump_state(order))
    assert replayed == order
    assert restored == order

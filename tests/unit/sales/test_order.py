from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from contracts.commands.sales import MAX_LINES, MAX_PRICE_MINOR
from contracts.errors import NotFound, Refused
from contracts.events.sales import (
    ItemAdded,
    ItemRemoved,
    OrderCancelled,
    OrderConfirmed,
    OrderCreated,
    OrderDelivered,
    OrderLine,
    OrderShipped,
)
from contracts.values import SYSTEM, Actor, Address, Money
from tests.support.aggregates import AT, Happened, given, happened, replayed
from write_side.sales.order import Order

ADA = Actor("user", "ada", ("customer",))
ADDRESS = Address("Ada", ("1 Street",), "Paris", "FR")
TEA = OrderLine("item-1", "tea", "Tea", Money.from_minor(1250, "EUR"), 2)
CAKE = OrderLine("item-2", "cake", "Cake", Money.from_minor(399, "EUR"), 3)


def created(*lines: OrderLine, total: int | None = None, **data: Any) -> Happened:
    return happened(
        OrderCreated,
        customer_id="ada",
        items=lines,
        total=None if total is None else Money.from_minor(total, "EUR"),
        shipping_address=ADDRESS,
        **data,
    )


def added(line: OrderLine) -> Happened:
    return happened(
        ItemAdded,
        item_id=line.item_id,
        product_id=line.product_id,
        product_name=line.product_name,
        unit_price=line.unit_price,
        quantity=line.quantity,
    )


CREATED = created(TEA, total=2500)
CONFIRMED = happened(OrderConfirmed, total=Money.from_minor(2500, "EUR"), payment_method="tok")
CANCELLED = happened(OrderCancelled, reason="no", cancelled_by=ADA)
SHIPPED = happened(OrderShipped)
DELIVERED = happened(OrderDelivered)
STATES = {
    "created": (CREATED,),
    "confirmed": (CREATED, CONFIRMED),
    "cancelled": (CREATED, CANCELLED),
    "shipped": (CREATED, CONFIRMED, SHIPPED),
    "delivered": (CREATED, CONFIRMED, SHIPPED, DELIVERED),
}
Verb = Callable[[Order], None]


def create(*lines: OrderLine) -> Verb:
    return lambda order: order.create("ada", lines, ADDRESS, at=AT)


def take_over(*lines: OrderLine, reference: str = "10248") -> Verb:
    return lambda order: order.take_over(
        "ada",
        lines,
        ADDRESS,
        reference,
        discount=Money.from_minor(100, "EUR"),
        freight=Money.from_minor(3238, "EUR"),
        at=AT,
    )


def confirm(order: Order) -> None:
    order.confirm("tok", at=AT)


def cancel(order: Order) -> None:
    order.cancel("no", ADA, at=AT)


def ship(order: Order) -> None:
    order.mark_shipped(at=AT)


def deliver(order: Order) -> None:
    order.mark_delivered(at=AT)


@pytest.mark.parametrize("state", STATES)
def test_the_status_is_that_of_the_last_step(state: str):
    assert replayed(Order, *STATES[state]).status == state


class TestCreate:
    def test_nothing_when_creating_then_created_with_lines_and_total(self):
        outcome = given(Order).when(create(TEA, CAKE)).then(created(TEA, CAKE, total=3697))
        assert outcome.aggregate.total == Money.from_minor(3697, "EUR")
        assert outcome.aggregate.customer_id == "ada"

    def test_nothing_when_creating_without_lines_then_there_is_no_total(self):
        outcome = given(Order).when(create()).then(created(total=None))
        assert outcome.aggregate.total is None

    @pytest.mark.parametrize("state", STATES)
    def test_existing_when_creating_again_then_refused(self, state: str):
        given(Order, *STATES[state]).when(create(TEA)).refused("order-exists", Refused)

    def test_nothing_when_creating_with_two_currencies_then_refused(self):
        yen = replace(CAKE, unit_price=Money.from_minor(399, "JPY"))
        given(Order).when(create(TEA, yen)).refused("mixed-currencies", Refused)

    def test_the_largest_order_has_a_total(self):
        dearest = Money.from_minor(MAX_PRICE_MINOR - 1, "EUR")
        lines = [OrderLine(str(n), "p", "P", dearest, 10_000) for n in range(MAX_LINES)]
        total = given(Order).when(create(*lines)).aggregate.total
        assert total is not None
        assert total.minor == (MAX_PRICE_MINOR - 1) * 10_000 * MAX_LINES


class TestTakeOver:
    def test_nothing_when_taking_over_then_notes_stay_outside_the_total(self):
        outcome = given(Order).when(take_over(TEA))
        outcome.then(
            created(
                TEA,
                total=2500,
                external_reference="10248",
                discount=Money.from_minor(100, "EUR"),
                freight=Money.from_minor(3238, "EUR"),
            )
        )
        assert outcome.aggregate.external_reference == "10248"
        assert outcome.aggregate.total == Money.from_minor(2500, "EUR")

    def test_existing_when_taking_over_again_then_refused(self):
        past = created(TEA, total=2500, external_reference="10248")
        given(Order, past).when(take_over(TEA)).refused("duplicate-reference", Refused)

    def test_nothing_when_taking_over_with_two_currencies_then_refused(self):
        yen = replace(CAKE, unit_price=Money.from_minor(399, "JPY"))
        given(Order).when(take_over(TEA, yen)).refused("mixed-currencies", Refused)


class TestAddItem:
    def test_created_when_adding_an_item_then_added(self):
        outcome = given(Order, CREATED).when(lambda o: o.add_item(CAKE, at=AT)).then(added(CAKE))
        assert outcome.aggregate.items == {"item-1": TEA, "item-2": CAKE}

    def test_created_when_adding_a_product_again_then_it_is_a_line_of_its_own(self):
        again = replace(TEA, item_id="item-9")
        given(Order, CREATED).when(lambda o: o.add_item(again, at=AT)).then(added(again))

    @pytest.mark.parametrize("state", STATES.keys() - {"created"})
    def test_not_open_when_adding_an_item_then_refused(self, state: str):
        given(Order, *STATES[state]).when(lambda o: o.add_item(CAKE, at=AT)).refused(
            "order-not-open", Refused
        )

    def test_created_when_adding_another_currency_then_refused(self):
        yen = replace(CAKE, unit_price=Money.from_minor(399, "JPY"))
        given(Order, CREATED).when(lambda o: o.add_item(yen, at=AT)).refused(
            "mixed-currencies", Refused
        )

    def test_emptied_when_adding_another_currency_then_added(self):
        yen = replace(CAKE, unit_price=Money.from_minor(399, "JPY"))
        given(Order, CREATED, happened(ItemRemoved, item_id="item-1")).when(
            lambda o: o.add_item(yen, at=AT)
        ).then(added(yen))

    def test_full_when_adding_an_item_then_refused(self):
        lines = [replace(TEA, item_id=str(n)) for n in range(MAX_LINES)]
        full = created(*lines, total=2500 * MAX_LINES)
        given(Order, full).when(lambda o: o.add_item(CAKE, at=AT)).refused(
            "too-many-lines", Refused
        )

    def test_created_when_adding_the_very_same_line_then_nothing(self):
        dearer = replace(TEA, unit_price=Money.from_minor(9999, "EUR"))
        given(Order, CREATED).when(lambda o: o.add_item(dearer, at=AT)).nothing()

    def test_created_when_adding_another_line_of_the_same_id_then_refused(self):
        more = replace(TEA, quantity=3)
        given(Order, CREATED).when(lambda o: o.add_item(more, at=AT)).refused(
            "item-exists", Refused
        )


class TestRemoveItem:
    def test_created_when_removing_an_item_then_removed(self):
        outcome = given(Order, CREATED, added(CAKE)).when(lambda o: o.remove_item("item-1", at=AT))
        outcome.then(happened(ItemRemoved, item_id="item-1"))
        assert outcome.aggregate.total == Money.from_minor(1197, "EUR")

    def test_created_when_removing_the_last_item_then_there_is_no_total(self):
        outcome = given(Order, CREATED).when(lambda o: o.remove_item("item-1", at=AT))
        outcome.then(happened(ItemRemoved, item_id="item-1"))
        assert outcome.aggregate.total is None

    def test_created_when_removing_an_unknown_item_then_refused(self):
        given(Order, CREATED).when(lambda o: o.remove_item("item-7", at=AT)).refused(
            "item-unknown", NotFound
        )

    @pytest.mark.parametrize("state", STATES.keys() - {"created"})
    def test_not_open_when_removing_an_item_then_refused(self, state: str):
        given(Order, *STATES[state]).when(lambda o: o.remove_item("item-1", at=AT)).refused(
            "order-not-open", Refused
        )


class TestConfirm:
    def test_created_when_confirming_then_confirmed_with_the_total(self):
        given(Order, CREATED).when(confirm).then(CONFIRMED)

    def test_created_when_confirming_without_payment_method_then_confirmed(self):
        given(Order, CREATED).when(lambda o: o.confirm(None, at=AT)).then(
            happened(OrderConfirmed, total=Money.from_minor(2500, "EUR"), payment_method=None)
        )

    def test_empty_when_confirming_then_refused(self):
        given(Order, created(total=None)).when(confirm).refused("order-empty", Refused)

    def test_cancelled_when_confirming_then_refused(self):
        given(Order, *STATES["cancelled"]).when(confirm).refused("order-cancelled", Refused)

    @pytest.mark.parametrize("state", ["confirmed", "shipped", "delivered"])
    def test_confirmed_when_confirming_then_nothing(self, state: str):
        given(Order, *STATES[state]).when(confirm).nothing()


class TestCancel:
    @pytest.mark.parametrize("state", ["created", "confirmed"])
    def test_not_shipped_when_cancelling_then_cancelled_by_whom(self, state: str):
        given(Order, *STATES[state]).when(cancel).then(CANCELLED)

    def test_empty_when_cancelling_then_cancelled(self):
        given(Order, created(total=None)).when(cancel).then(CANCELLED)

    @pytest.mark.parametrize("state", ["shipped", "delivered"])
    def test_shipped_when_cancelling_then_refused(self, state: str):
        given(Order, *STATES[state]).when(cancel).refused("order-shipped", Refused)

    def test_cancelled_when_cancelling_for_another_reason_then_nothing(self):
        given(Order, *STATES["cancelled"]).when(
            lambda o: o.cancel("other", SYSTEM, at=AT)
        ).nothing()


class TestShippedAndDelivered:
    def test_confirmed_when_shipped_then_shipped(self):
        given(Order, *STATES["confirmed"]).when(ship).then(SHIPPED)

    @pytest.mark.parametrize("state", ["created", "cancelled"])
    def test_not_confirmed_when_shipped_then_refused(self, state: str):
        given(Order, *STATES[state]).when(ship).refused("order-not-confirmed", Refused)

    @pytest.mark.parametrize("state", ["shipped", "delivered"])
    def test_shipped_when_shipped_then_nothing(self, state: str):
        given(Order, *STATES[state]).when(ship).nothing()

    def test_shipped_when_delivered_then_delivered(self):
        given(Order, *STATES["shipped"]).when(deliver).then(DELIVERED)

    @pytest.mark.parametrize("state", ["created", "confirmed", "cancelled"])
    def test_not_shipped_when_delivered_then_refused(self, state: str):
        given(Order, *STATES[state]).when(deliver).refused("order-not-shipped", Refused)

    def test_delivered_when_delivered_then_nothing(self):
        given(Order, *STATES["delivered"]).when(deliver).nothing()

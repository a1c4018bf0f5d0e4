from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from contracts.commands.inventory import MAX_STOCK
from contracts.errors import Refused
from contracts.events.inventory import (
    StockAdjusted,
    StockIssued,
    StockReceived,
    StockReleased,
    StockReserved,
    Taken,
)
from tests.support.aggregates import AT, Happened, given, happened, replayed
from write_side.inventory.stock_item import FENCES_KEPT, StockItem

ORDER = "order-1"
OTHER = "order-2"
Verb = Callable[[StockItem], None]


def received(quantity: int, location: str = "main") -> Happened:
    return happened(StockReceived, location=location, quantity=quantity)


def reserved(quantity: int, version: int, order: str = ORDER, before: int = 0) -> Happened:
    return happened(
        StockReserved,
        order_id=order,
        order_version=version,
        quantity=quantity,
        before=before,
    )


def released(quantity: int, version: int, order: str = ORDER) -> Happened:
    return happened(StockReleased, order_id=order, order_version=version, quantity=quantity)


def issued(quantity: int, *taken: Taken, order: str = ORDER) -> Happened:
    return happened(StockIssued, order_id=order, quantity=quantity, taken=taken)


def reserve(
    quantity: int,
    version: int,
    order: str = ORDER,
    at: datetime = AT,
    caused_at: datetime | None = None,
) -> Verb:
    return lambda item: item.reserve(order, version, quantity, at=at, caused_at=caused_at)


def release(version: int, order: str = ORDER, at: datetime = AT) -> Verb:
    return lambda item: item.release(order, version, at=at)


def issue(order: str = ORDER) -> Verb:
    return lambda item: item.issue(order, at=AT)


def adjust(counted: int, location: str = "main") -> Verb:
    return lambda item: item.adjust(location, counted, "counted", at=AT)


def adjusted(expected: int, counted: int, location: str = "main") -> Happened:
    return happened(
        StockAdjusted, location=location, expected=expected, counted=counted, reason="counted"
    )


LEFT = issued(4, Taken("main", 4))


class TestReceive:
    def test_nothing_when_receiving_then_the_item_is_opened(self):
        outcome = given(StockItem).when(lambda i: i.receive(10, "main", at=AT)).then(received(10))
        assert outcome.aggregate.on_hand == {"main": 10}

    def test_stocked_when_receiving_elsewhere_then_both_count(self):
        item = given(StockItem, received(10)).when(lambda i: i.receive(5, "annex", at=AT))
        item.then(received(5, "annex"))
        assert item.aggregate.total == 15

    def test_full_when_receiving_one_more_then_refused(self):
        given(StockItem, received(MAX_STOCK)).when(lambda i: i.receive(1, "annex", at=AT)).refused(
            "too-much-stock", Refused
        )


class TestAdjust:
    @pytest.mark.parametrize("counted", [0, 9, 11])
    def test_stocked_when_another_number_is_counted_then_adjusted(self, counted: int):
        outcome = given(StockItem, received(10)).when(adjust(counted)).then(adjusted(10, counted))
        assert outcome.aggregate.on_hand == {"main": counted}

    def test_stocked_when_counting_at_a_new_place_then_adjusted(self):
        given(StockItem, received(10)).when(adjust(3, "annex")).then(adjusted(0, 3, "annex"))

    def test_stocked_when_the_same_number_is_counted_then_nothing(self):
        given(StockItem, received(10)).when(adjust(10)).nothing()

    def test_reserved_when_counted_down_to_what_is_reserved_then_adjusted(self):
        given(StockItem, received(10), reserved(4, 0)).when(adjust(4)).then(adjusted(10, 4))

    def test_reserved_when_counted_below_what_is_reserved_then_refused(self):
        given(StockItem, received(10), reserved(4, 0)).when(adjust(3)).refused(
            "below-reserved", Refused
        )

    def test_reserved_when_the_other_place_has_enough_then_adjusted(self):
        given(StockItem, received(10), received(4, "annex"), reserved(4, 0)).when(adjust(0)).then(
            adjusted(10, 0)
        )

    def test_stocked_when_too_much_is_counted_then_refused(self):
        given(StockItem, received(10, "annex")).when(adjust(MAX_STOCK)).refused(
            "too-much-stock", Refused
        )


class TestReserve:
    def test_stocked_when_reserving_then_reserved(self):
        outcome = given(StockItem, received(10)).when(reserve(4, 0)).then(reserved(4, 0))
        assert outcome.aggregate.reservations == {ORDER: 4}
        assert (outcome.aggregate.total, outcome.aggregate.reserved) == (10, 4)

    def test_reserved_when_reserving_at_a_newer_version_then_it_is_set_not_added(self):
        outcome = given(StockItem, received(10), reserved(4, 0)).when(reserve(10, 1))
        outcome.then(reserved(10, 1, before=4))
        assert outcome.aggregate.reserved == 10

    def test_reserved_when_reserving_nothing_then_only_the_fence_is_left(self):
        outcome = given(StockItem, received(10), reserved(4, 0)).when(reserve(0, 1))
        outcome.then(reserved(0, 1, before=4))
        assert outcome.aggregate.reservations == {}
        assert outcome.aggregate.fences[ORDER].order_version == 1

    @pytest.mark.parametrize("version", [0, 1, 2])
    def test_reserved_when_a_version_is_not_newer_then_nothing(self, version: int):
        given(StockItem, received(10), reserved(4, 2)).when(reserve(9, version)).nothing()

    def test_stocked_when_wanting_more_than_available_then_refused_with_the_quantity(self):
        outcome = given(StockItem, received(10), reserved(4, 0, OTHER)).when(reserve(7, 0))
        outcome.refused("insufficient-stock", Refused)
        assert outcome.error is not None
        assert "7" in outcome.error.detail
        assert "6 are available" in outcome.error.detail

    def test_nothing_received_when_reserving_then_refused_with_none_available(self):
        given(StockItem).when(reserve(1, 0)).refused("insufficient-stock", Refused)

    def test_nothing_received_when_reserving_nothing_then_the_fence_opens_the_item(self):
        given(StockItem).when(reserve(0, 3)).then(reserved(0, 3))

    @pytest.mark.parametrize("version", [0, 4, 5])
    def test_released_when_a_late_reserve_comes_then_nothing(self, version: int):
        given(StockItem, received(10), reserved(4, 4), released(4, 5)).when(
            reserve(4, version)
        ).nothing()

    def test_released_before_anything_when_the_late_reserve_comes_then_nothing(self):
        given(StockItem, received(10), released(0, 5)).when(reserve(4, 4)).nothing()

    def test_released_when_reserving_at_a_newer_version_then_reserved(self):
        given(StockItem, received(10), released(0, 5)).when(reserve(4, 6)).then(reserved(4, 6))

    @pytest.mark.parametrize("version", [0, 4])
    def test_issued_when_an_old_reserve_comes_again_then_nothing(self, version: int):
        given(StockItem, received(10), reserved(4, 4), LEFT).when(reserve(4, version)).nothing()

    def test_issued_when_reserving_at_a_newer_version_then_refused(self):
        given(StockItem, received(10), reserved(4, 4), LEFT).when(reserve(4, 5)).refused(
            "already-issued", Refused
        )

    def test_stocked_when_the_cause_is_older_than_fences_then_nothing(self):
        old = AT - FENCES_KEPT - timedelta(microseconds=1)
        given(StockItem, received(10)).when(reserve(4, 0, caused_at=old)).nothing()

    def test_stocked_when_the_cause_is_just_as_old_as_fences_then_reserved(self):
        given(StockItem, received(10)).when(reserve(4, 0, caused_at=AT - FENCES_KEPT)).then(
            reserved(4, 0)
        )


class TestRelease:
    @pytest.mark.parametrize("version", [4, 5])
    def test_reserved_when_releasing_at_that_version_or_newer_then_released(self, version: int):
        outcome = given(StockItem, received(10), reserved(4, 4)).when(release(version))
        outcome.then(released(4, version))
        assert outcome.aggregate.reservations == {}

    def test_reserved_when_releasing_at_an_older_version_then_nothing(self):
        given(StockItem, received(10), reserved(4, 4)).when(release(3)).nothing()

    def test_nothing_reserved_when_releasing_then_a_fence_is_left(self):
        given(StockItem, received(10)).when(release(5)).then(released(0, 5))
        given(StockItem).when(release(5)).then(released(0, 5))

    def test_released_when_releasing_again_then_nothing(self):
        given(StockItem, received(10), reserved(4, 4), released(4, 5)).when(release(5)).nothing()
        given(StockItem, received(10), reserved(4, 4), released(4, 5)).when(release(4)).nothing()

    def test_released_when_releasing_at_a_newer_version_then_the_fence_moves(self):
        given(StockItem, received(10), released(0, 5)).when(release(6)).then(released(0, 6))

    def test_issued_when_releasing_then_nothing(self):
        given(StockItem, received(10), reserved(4, 4), LEFT).when(release(9)).nothing()


class TestIssue:
    def test_reserved_when_issuing_then_goods_and_reservation_are_gone(self):
        outcome = given(StockItem, received(10), reserved(4, 4)).when(issue()).then(LEFT)
        assert outcome.aggregate.on_hand == {"main": 6}
        assert outcome.aggregate.reserved == 0

    def test_in_several_places_when_issuing_then_each_gives_what_it_has(self):
        past = received(3), received(2, "annex"), received(9, "zoo"), reserved(7, 0)
        outcome = given(StockItem, *past).when(issue())
        outcome.then(issued(7, Taken("annex", 2), Taken("main", 3), Taken("zoo", 2)))
        assert outcome.aggregate.on_hand == {"annex": 0, "main": 0, "zoo": 7}

    def test_an_empty_place_when_issuing_then_it_gives_nothing(self):
        past = received(3, "annex"), adjusted(3, 0, "annex"), received(9), reserved(4, 4)
        given(StockItem, *past).when(issue()).then(LEFT)

    def test_nothing_reserved_when_issuing_then_refused(self):
        given(StockItem, received(10), reserved(4, 0, OTHER)).when(issue()).refused(
            "nothing-reserved", Refused
        )

    def test_released_when_issuing_then_refused(self):
        given(StockItem, received(10), reserved(4, 4), released(4, 5)).when(issue()).refused(
            "nothing-reserved", Refused
        )

    def test_issued_when_issuing_again_then_nothing(self):
        given(StockItem, received(10), reserved(4, 4), LEFT).when(issue()).nothing()


class TestFences:
    def test_fences_older_than_they_are_kept_are_forgotten_with_the_next_one(self):
        item = replayed(StockItem, received(10), reserved(4, 4), reserved(1, 0, "order-3"))
        item.release(ORDER, 5, at=AT)
        item.release(OTHER, 1, at=AT + FENCES_KEPT)
        assert item.fences.keys() == {"order-3", ORDER, OTHER}
        item.release("order-9", 1, at=AT + FENCES_KEPT + timedelta(seconds=1))
        assert item.fences.keys() == {OTHER, "order-9"}
        assert item.reservations == {"order-3": 1}

    def test_a_late_reserve_after_the_fence_was_forgotten_changes_nothing(self):
        item = replayed(StockItem, received(10))
        item.release(ORDER, 5, at=AT)
        item.release(OTHER, 1, at=AT + FENCES_KEPT + timedelta(days=1))
        assert ORDER not in item.fences
        late = AT + FENCES_KEPT + timedelta(days=1)
        item.reserve(ORDER, 4, 4, at=late, caused_at=AT)
        assert item.reservations == {}

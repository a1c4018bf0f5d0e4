"""What checkpoints say: of all events, of partitions, of stores of their own."""

from __future__ import annotations

import pytest

from event_store.composite import compose
from event_store.partitions import Partition
from projections.shown import Shown, oldest_missing, reached, shows_all
from read_side.port import Checkpoint
from tests.support.partitions import number_of
from tests.support.projections import STORE, stored, stream
from tests.unit.projections.fakes import MemoryEventStore

STORES = compose({"inventory": "i", "sales": "s", "users": "u"})
UNKNOWN = stored("Unheard")
STREAM = next(name for name in (f"order-{n}" for n in range(9)) if number_of(name, 2) == 0)
OTHER = next(name for name in (f"order-{n}" for n in range(9)) if number_of(name, 2) == 1)


def shown(*, knows_numbers: bool = True, store: str = STORE, **positions: str) -> Shown:
    """Checkpoints by source, with `_` for `/`."""
    sources = {name.replace("_", "/"): position for name, position in positions.items()}
    return Shown(
        {name: Checkpoint(name, store, position) for name, position in sources.items()},
        number_of if knows_numbers else None,
    )


def test_nothing_when_asked_then_nothing_is_shown():
    nothing = shown()
    assert not nothing.covers(STREAM, "1")
    assert (nothing.start(STORE, ["order"]), nothing.end(STORE)) == (None, None)
    assert nothing.is_of(STORE)


def test_all_events_when_asked_then_what_is_up_to_there_is_shown():
    some = shown(all="5")
    assert some.covers(STREAM, "5")
    assert not some.covers(STREAM, "6")
    assert (some.start(STORE, ["order", "user"]), some.end(STORE)) == ("5", "5")
    assert not some.are_joined(["order"])


def test_half_a_set_when_asked_then_the_rest_falls_back_to_all():
    half = shown(all="3", order_0_2="7")
    assert half.covers(STREAM, "7")
    assert not half.covers(OTHER, "4")
    assert half.covers(OTHER, "3")
    assert (half.start(STORE, ["order"]), half.end(STORE)) == ("3", "7")
    assert half.all_in(Partition("order", 2, 0)) == "7"
    assert half.all_in(Partition("order", 2, 1)) == "3"
    assert not half.are_joined(["order"])


def test_whole_set_when_asked_then_each_partition_counts():
    whole = shown(all="3", order_0_2="7", order_1_2="5")
    assert whole.covers(STREAM, "7")
    assert not whole.covers(OTHER, "6")
    assert whole.start(STORE, ["order"]) == "5"
    assert whole.start(STORE, ["order", "user"]) == "3"
    assert whole.are_joined(["order"])
    assert not whole.are_joined(["order", "user"])
    assert whole.partitions == {"order/0/2": "7", "order/1/2": "5"}


def test_numbers_unknown_when_asked_then_less_is_said_and_never_more():
    whole = shown(knows_numbers=False, order_0_2="7", order_1_2="5")
    assert whole.covers(STREAM, "5")
    assert not whole.covers(STREAM, "6")


def test_partitions_counted_anew_when_asked_then_the_furthest_whole_set_counts():
    grown = shown(all="1", order_0_2="7", order_1_2="5", order_0_4="6")
    assert grown.all_in(Partition("order", 4, 0)) == "6"
    assert grown.all_in(Partition("order", 4, 3)) == "5"
    behind = shown(all="8", order_0_2="7", order_1_2="5")
    assert behind.all_in(Partition("order", 2, 1)) == "8"


def test_stores_of_contexts_when_asked_then_each_is_compared_with_its_own():
    position = compose({"inventory": "9", "sales": "2", "users": ""})
    some = Shown(
        {
            "all": Checkpoint("all", STORES, position),
            "order/0/2": Checkpoint("order/0/2", "s", "4"),
        },
        number_of,
    )
    assert some.is_of(STORES)
    assert some.covers(STREAM, "4")
    assert not some.covers(OTHER, "3")
    assert some.covers("stock-1", "9")
    assert not some.covers("user-1", "1")
    assert some.start(STORES, ["order"]) == compose({"inventory": "", "sales": "2", "users": ""})
    assert some.start(STORES, ["user"]) is None
    assert some.end(STORES) == compose({"inventory": "9", "sales": "4", "users": ""})


@pytest.mark.parametrize(
    ("source", "store", "is_ours"),
    [
        ("all", STORES, True),
        ("all", "s", False),
        ("order/0/2", "s", True),
        ("order/0/2", "i", False),
        ("stock/0/2", "i", True),
    ],
)
def test_checkpoint_when_of_another_store_then_it_is_seen(source, store, is_ours):
    assert Shown({source: Checkpoint(source, store, "1")}).is_of(STORES) is is_ours


def test_two_contexts_with_one_store_when_asked_then_the_part_is_both_theirs():
    identity = compose({"inventory+sales": "x", "users": "u"})
    some = Shown({"stock/0/1": Checkpoint("stock/0/1", "x", "4")})
    assert some.is_of(identity)
    assert some.start(identity, ["stock"]) == compose({"inventory+sales": "4", "users": ""})
    assert some.start(identity, ["stock", "order"]) is None
    assert some.end(identity) == compose({"inventory+sales": "4", "users": ""})


def test_heads_when_compared_then_only_the_stores_of_the_categories_count():
    here, head = compose({"sales": "4", "users": "1"}), compose({"sales": "4", "users": "2"})
    assert reached(here, head, ["order"])
    assert not reached(here, head, ["order", "user"])
    assert reached("3", "3", ["order"])


async def test_events_when_some_are_shown_then_the_oldest_missing_is_found():
    events = MemoryEventStore([*stream(STREAM, UNKNOWN, UNKNOWN), *stream(OTHER, UNKNOWN)])
    first, second, other = (await events.read_all()).events
    head = other.position
    some = shown(order_0_2=first.position, order_1_2=other.position)
    assert await oldest_missing(events, some, ["order"]) == second
    assert not await shows_all(events, some, ["order"], head)
    assert await shows_all(events, some, ["order"], first.position)
    all_of_it = shown(order_0_2=second.position, order_1_2=other.position)
    assert await oldest_missing(events, all_of_it, ["order"]) is None
    assert await shows_all(events, all_of_it, ["order"], head)
    assert await oldest_missing(events, shown(), ["order"]) == first
    assert await shows_all(events, shown(), ["order"], None)

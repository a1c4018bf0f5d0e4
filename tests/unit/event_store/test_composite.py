import pytest

from contracts.registry import CONTEXTS
from event_store.composite import (
    after_event,
    compose,
    contexts_in,
    covers,
    part_for,
    part_name,
    parts_of,
)
from event_store.errors import InvalidPosition
from event_store.partitions import Partition


def test_composite_when_parted_then_each_context_has_its_own():
    text = compose({"users": "7", "sales": "12", "inventory": ""})
    assert parts_of(text) == {"sales": "12", "inventory": "", "users": "7"}
    assert part_for(text, "order-1") == part_for(text, "product") == "12"
    assert part_for(text, "session-x") == "7"
    assert part_for(text, "stock") == ""


def test_plain_when_asked_for_any_stream_then_it_is_the_part():
    assert parts_of("00012") is None
    assert part_for("00012", "order-1") == "00012"


def test_unknown_category_when_asked_for_then_it_is_with_the_first_context():
    text = compose({"sales": "1", "inventory": "2", "users": "3"})
    assert CONTEXTS[0] == "sales"
    assert part_for(text, "else-1") == "1"


def test_shared_store_when_composed_then_it_is_one_part_of_both_contexts():
    name = part_name(["sales", "inventory"])
    text = compose({"users": "7", name: "12"})
    assert text == "inventory+sales=12;users=7"
    assert contexts_in(name) == {"sales", "inventory"}
    assert part_for(text, "order-1") == part_for(text, "stock-A") == "12"
    assert part_for(text, "user-1") == "7"


@pytest.mark.parametrize(
    ("position", "other", "expected"),
    [
        (None, "05", False),
        (None, "", False),
        ("sales=5;users=5", "", True),
        ("05", "05", True),
        ("05", "06", False),
        ("sales=5;users=5", "sales=5;users=4", True),
        ("sales=5;users=5", "sales=5;users=6", False),
        ("sales=6;users=5", "sales=5;users=6", False),
        ("sales=5;users=", "sales=5;users=", True),
        ("sales=5;users=", "sales=;users=1", False),
        ("sales=0;users=5", "sales=;users=5", True),
    ],
)
def test_positions_when_compared_then_every_part_counts(position, other, expected):
    assert covers(position, other) is expected


def test_positions_when_of_different_kinds_then_they_are_not_compared():
    with pytest.raises(InvalidPosition):
        covers("sales=5;users=5", "00004")


@pytest.mark.parametrize(
    ("before", "to", "expected"),
    [
        ("03", "09", "04"),
        (None, "09", "04"),
        (None, "sales=09;users=09", "sales=04;users="),
        ("sales=03;users=07", "sales=09;users=09", "sales=04;users=07"),
        (
            "inventory+sales=03;users=07",
            "inventory+sales=09;users=09",
            "inventory+sales=04;users=07",
        ),
    ],
)
def test_way_when_an_event_was_passed_then_only_its_part_has_moved(before, to, expected):
    assert after_event(before, to, "order-1", "04") == expected


def test_partition_when_written_then_read_again():
    partition = Partition("sku_mapping", 6, 3)
    assert str(partition) == "sku_mapping/3/6"
    assert Partition.parse(str(partition)) == partition


@pytest.mark.parametrize("text", ["all", "order/1", "order/x/6", "order/1/6/2", ""])
def test_other_source_when_parsed_then_it_is_no_partition(text):
    assert Partition.parse(text) is None

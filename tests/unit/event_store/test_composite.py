import pytest

from event_store.composite import compose, part_for, parts_of
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


def test_unknown_category_when_asked_for_then_it_has_no_part():
    assert part_for(compose({"sales": "1"}), "else-1") == ""


def test_partition_when_written_then_read_again():
    partition = Partition("sku_mapping", 6, 3)
    assert str(partition) == "sku_mapping/3/6"
    assert Partition.parse(str(partition)) == partition


@pytest.mark.parametrize("text", ["all", "order/1", "order/x/6", "order/1/6/2", ""])
def test_other_source_when_parsed_then_it_is_no_partition(text):
    assert Partition.parse(text) is None

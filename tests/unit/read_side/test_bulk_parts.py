"""What a bulk load does by itself: the texts of documents, and the keys it has written."""

from __future__ import annotations

import msgspec
import pytest

from contracts.documents import DOCUMENT_TYPES, ORDER_DETAILS
from read_side.fields import Columns
from read_side.marks import Marks
from read_side.sqlite.shape import UnlikeShape, text_reader
from tests.contract.read_store.support import customer, line, order

ORDERS = Columns(ORDER_DETAILS)
PLAIN = order("o1", items=[line("p1", name="Grüner Tee"), line("p2", 3, name="")], city="Zürich")


def texts(document, columns=ORDERS):
    return text_reader(columns)(msgspec.json.encode(document))


@pytest.mark.parametrize(
    "document",
    [PLAIN, order("o2"), {**PLAIN, "items": []}, {**PLAIN, "items": None}, {**PLAIN, "more": [1]}],
    ids=str,
)
def test_document_when_read_then_its_texts_are_those_of_the_index(document):
    assert texts(document) == ORDERS.index("o", document).texts


def test_nested_and_top_level_texts_when_read_then_each_stands_in_its_place():
    assert "Zürich" in texts(PLAIN)
    assert texts(PLAIN)[-1] == "Grüner Tee\n"
    columns = Columns(DOCUMENT_TYPES["customers"])
    ada = customer("c1", "Ada", "ada@example.com")
    assert texts(ada, columns) == ("Ada", "ada@example.com")


def test_nothing_to_show_when_read_then_there_are_no_texts():
    assert texts(None) == ()


@pytest.mark.parametrize(
    "wrong",
    [
        {"shipping_address": None},
        {"shipping_address": {"city": 5}},
        {"items": [None]},
        {"status": 5},
        {"total_amount": {"minor": 2**63}},
    ],
    ids=str,
)
def test_document_of_another_shape_when_read_then_the_index_has_to_be_asked(wrong):
    with pytest.raises(UnlikeShape):
        texts({**PLAIN, **wrong})


def test_marked_keys_when_asked_then_all_are_there_and_hardly_any_other():
    marks = Marks()
    marks.add(f"order-{number}" for number in range(20_000))
    assert all(f"order-{number}" in marks for number in range(20_000))
    assert sum(f"other-{number}" in marks for number in range(20_000)) < 20

from __future__ import annotations

from contextlib import suppress

from hypothesis import given as any_of
from hypothesis import settings
from hypothesis import strategies as st

from contracts.errors import Refused
from contracts.events.inventory import ProductMapped
from tests.support.aggregates import AT, given, happened
from write_side.inventory.sku_mapping import TABLE, SkuMapping

MAPPED = happened(ProductMapped, product_id="tea", sku="TEA.1")


def test_nothing_when_mapping_then_mapped():
    outcome = given(SkuMapping).when(lambda t: t.map("tea", "TEA.1", at=AT)).then(MAPPED)
    assert outcome.aggregate.skus == {"tea": "TEA.1"}
    assert outcome.aggregate.products == {"TEA.1": "tea"}


def test_mapped_when_mapping_another_pair_then_mapped():
    given(SkuMapping, MAPPED).when(lambda t: t.map("cake", "CAKE.1", at=AT)).then(
        happened(ProductMapped, product_id="cake", sku="CAKE.1")
    )


def test_mapped_when_mapping_the_same_then_nothing():
    given(SkuMapping, MAPPED).when(lambda t: t.map("tea", "TEA.1", at=AT)).nothing()


def test_mapped_when_mapping_the_product_to_another_sku_then_refused():
    given(SkuMapping, MAPPED).when(lambda t: t.map("tea", "TEA.2", at=AT)).refused(
        "product-already-mapped", Refused
    )


def test_mapped_when_mapping_another_product_to_the_sku_then_refused():
    given(SkuMapping, MAPPED).when(lambda t: t.map("cake", "TEA.1", at=AT)).refused(
        "sku-already-mapped", Refused
    )


PAIRS = st.tuples(st.sampled_from("abcd"), st.sampled_from("WXYZ"))


@settings(max_examples=60, deadline=None)
@any_of(st.lists(PAIRS, max_size=20))
def test_the_table_is_one_to_one_both_ways_after_any_commands(pairs: list[tuple[str, str]]):
    table = SkuMapping.blank(TABLE)
    first: dict[str, str] = {}
    for product, sku in pairs:
        if product not in first and sku not in first.values():
            first[product] = sku
        with suppress(Refused):
            table.map(product, sku, at=AT)
    assert table.skus == first
    assert table.products == {sku: product for product, sku in first.items()}

"""Random documents and searches: Elasticsearch answers what SQLite answers."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.documents import ORDER_DETAILS
from read_side.port import (
    AnyOf,
    Between,
    DocumentRefused,
    Either,
    Matches,
    Put,
    Search,
    WriteBatch,
)
from read_side.sqlite import SqliteReadStore
from tests.contract.read_store.support import ORDERS, line, order

KEYS = [f"o{number}" for number in range(8)]
STATUSES = ["created", "confirmed", "Zürich", "zebra", "ä", "é́", "", "a\0b", "😀", "x" * 300]
TIMES = [f"2026-01-0{day}T10:00:00.00000{micro}Z" for day in (1, 2) for micro in (1, 2)]
WORDS = st.text(alphabet="abAÀéÉz0 -@.'海", max_size=12)
LONGS = st.integers(-3, 3) | st.integers(-(2**62), 2**62) | st.just(-(2**63))


def some_line(product, quantity, name):
    return {**line(product, 1, 5, name), "quantity": quantity}


LINES = st.lists(st.builds(some_line, st.sampled_from(["p1", "p2"]), LONGS, WORDS), max_size=3)
FIELDS = ["status", "created_at", "total_amount.minor", "items.product_id", "items.quantity"]
VALUES = st.sampled_from([*STATUSES, *TIMES, "p1"]) | LONGS | st.integers(2**62, 2**65)
SIMPLE = (
    st.builds(AnyOf, st.sampled_from(FIELDS), st.lists(VALUES, max_size=3).map(tuple))
    | st.builds(Between, st.sampled_from(FIELDS), st.none() | VALUES, st.none() | VALUES)
    | st.builds(Matches, WORDS)
)
CONDITIONS = st.lists(
    SIMPLE | st.builds(Either, st.lists(SIMPLE, max_size=2).map(tuple)), max_size=2
).map(tuple)
SORTS = st.sampled_from([None, "created_at", "-status", "status", "-total_amount.minor"])


@st.composite
def documents(draw):
    document = order(
        draw(st.sampled_from(KEYS)),
        status=draw(st.sampled_from(STATUSES)),
        items=draw(LINES),
        total=draw(LONGS),
        recipient=draw(WORDS),
        city=draw(WORDS),
        reference=draw(st.none() | st.sampled_from(STATUSES)),
    )
    amount = draw(st.sampled_from([{}, {"total_amount": None}]))
    return document | {"created_at": draw(st.sampled_from(TIMES))} | amount


async def write(store, generation, written):
    stored = await store.load(generation, list(written))
    puts = [
        Put(key, document, {}, stored[key].revision if key in stored else None)
        for key, document in written.items()
    ]
    await store.write(generation, WriteBatch(puts))
    await store.refresh(ORDERS)


async def answers(store, conditions, sort, limit):
    """All that can be asked, in plain values."""
    found, cursor = [], None
    for _ in range(len(KEYS) + 1):
        page = await store.search(ORDERS, Search(conditions, sort, limit, cursor))
        found.append([document["id"] for document in page.documents])
        cursor = page.next_cursor
        if cursor is None:
            break
    units, total = "items.quantity", "total_amount.minor"
    return (
        found,
        await store.count_by(ORDERS, "status", conditions),
        await store.count_by(ORDERS, "items.product_id", conditions),
        await store.sums(ORDERS, group_by="status", fields=[units, total], conditions=conditions),
        await store.sums(
            ORDERS, group_by="items.product_id", fields=[units], conditions=conditions
        ),
        await store.get_many(ORDERS, KEYS),
    )


@pytest.fixture
async def embedded(tmp_path):
    store = await SqliteReadStore.open(tmp_path)
    yield store
    await store.close()


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    written=st.lists(documents() | st.sampled_from(KEYS), max_size=8),
    conditions=CONDITIONS,
    sort=SORTS,
    limit=st.integers(1, 4),
)
async def test_same_documents_give_the_same_answers(
    store, orders, embedded, written, conditions, sort, limit
):
    """A key alone stands for a document that shows nothing (any more)."""
    if not await embedded.generations(ORDERS):
        await embedded.activate(await embedded.create_generation(ORDER_DETAILS, "first"))
    (own,) = await embedded.generations(ORDERS)
    everything: dict = dict.fromkeys(KEYS)
    everything |= {one["id"]: one for one in written if not isinstance(one, str)}
    everything |= {one: None for one in written if isinstance(one, str)}
    for one, generation in ((embedded, own), (store, orders)):
        await write(one, generation, everything)
    ours = await answers(store, conditions, sort, limit)
    theirs = await answers(embedded, conditions, sort, limit)
    assert ours == theirs
    assert await store.scan(orders) == await embedded.scan(own)


ODD = st.text(st.characters(codec=None), max_size=20)
numbers = itertools.count()


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    key=ODD | st.just("k") | st.just("k" * 33_000),
    text=ODD | st.sampled_from(["ä" * 17_000, "a " * 300, "x" * 1024, "é" * 513]),
    more=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | ODD,
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(ODD, inner, max_size=2),
        max_leaves=5,
    ),
)
async def test_what_sqlite_takes_is_taken_and_comes_back_the_same(
    store, orders, embedded, key, text, more
):
    if not await embedded.generations(ORDERS):
        await embedded.activate(await embedded.create_generation(ORDER_DETAILS, "first"))
    (own,) = await embedded.generations(ORDERS)
    key = f"{key}{next(numbers)}"
    document = order(key, status=text, recipient=text, city=text, reference=text)
    document |= {"created_at": text, "more": more, "items": [line(text, 1, 1, text)]}
    batch = WriteBatch([Put(key, document, {text: 3}, None)])
    try:
        await embedded.write(own, batch)
    except DocumentRefused:
        with pytest.raises(DocumentRefused):
            await store.write(orders, batch)
        return
    await store.write(orders, batch)
    assert await store.get(ORDERS, key) == await embedded.get(ORDERS, key)
    theirs = (await embedded.load(own, [key]))[key]
    ours = (await store.load(orders, [key]))[key]
    assert (ours.document, ours.streams) == (theirs.document, theirs.streams)
    await store.refresh(ORDERS)
    of_key = AnyOf("id", (key,))
    for search in (
        Search((AnyOf("status", (text,)), of_key)),
        Search(
            (AnyOf("created_at", (text,)), AnyOf("items.product_id", (text,)), of_key), "status"
        ),
    ):
        found = [one["id"] for one in (await store.search(ORDERS, search)).documents]
        assert found == [key]

"""A server that refuses, loses answers, dies or wants a password; and what a question costs."""

from __future__ import annotations

import asyncio

import pytest

from contracts.documents import ORDER_DETAILS
from read_side.elasticsearch import ElasticsearchReadStore
from read_side.port import (
    AnyOf,
    Checkpoint,
    DocumentRefused,
    Matches,
    ReadStoreUnavailable,
    Search,
    WriteBatch,
    WriteConflict,
)
from tests.contract.read_store.support import ORDERS, fill, found, line, new, order
from tests.support.elasticsearch_proxy import proxy_for


@pytest.fixture
async def proxy(elasticsearch):
    async with proxy_for(elasticsearch) as proxy:
        yield proxy


@pytest.fixture
async def store(proxy, prefix):
    store = await ElasticsearchReadStore.open(proxy.url, prefix=prefix)
    yield store
    await store.close()


@pytest.mark.parametrize("status", [429, 503])
async def test_items_that_are_refused_for_now_are_sent_again_and_they_alone(
    store, orders, proxy, status
):
    proxy.refuse_item = lambda key, sent: status if key in ("o1", "o3") and sent < 2 else None
    await store.write(orders, WriteBatch([new(order(f"o{number}")) for number in range(5)]))
    assert proxy.bulks[-3:] == [["o0", "o1", "o2", "o3", "o4"], ["o1", "o3"], ["o1", "o3"]]
    assert len(await store.load(orders, [f"o{number}" for number in range(5)])) == 5
    assert store.bulk_rejections == (4 if status == 429 else 0)


async def test_conflict_is_told_when_the_rest_was_written_after_all(store, orders, proxy):
    await fill(store, orders, order("o1"))
    proxy.refuse_item = lambda key, sent: 429 if key == "o2" and sent == 0 else None
    puts = [new(order("o1", city="X")), new(order("o2"))]
    with pytest.raises(WriteConflict) as refused:
        await store.write(orders, WriteBatch(puts, [Checkpoint("all", "s", "1")]))
    assert refused.value.keys == ("o1",)
    assert await store.get(ORDERS, "o2") == order("o2")
    assert await store.checkpoints(orders) == {}


async def test_document_that_only_the_server_refuses_is_named(store, orders, proxy):
    proxy.refuse_item = lambda key, sent: 400 if key == "o2" else None
    with pytest.raises(DocumentRefused) as refused:
        await store.write(orders, WriteBatch([new(order("o1")), new(order("o2"))]))
    assert refused.value.key == "o2"


async def test_write_whose_answer_was_lost_meets_itself(store, orders, proxy):
    proxy.lose_answer = lambda request: request.endswith("/_bulk")
    batch = WriteBatch([new(order("o1"))], [Checkpoint("all", "s", "1")])
    with pytest.raises(WriteConflict):
        await store.write(orders, batch)
    assert await store.get(ORDERS, "o1") == order("o1")
    assert await store.checkpoints(orders) == {}


async def test_load_in_bulk_does_not_mind_lost_answers_and_refusals(store, proxy):
    generation = await store.begin_rebuild(ORDER_DETAILS, "p", total=9, lease_seconds=60)
    proxy.refuse_item = lambda key, sent: 429 if key.endswith("7") and sent == 0 else None
    async with store.load_in_bulk(generation) as load:
        for at in range(0, 3000, 1000):
            if at == 1000:
                proxy.lose_answer = lambda request: request.endswith("/_bulk")
            puts = [new(order(f"o{number}")) for number in range(at, at + 1000)]
            await load.write(generation, WriteBatch(puts))
    await store.activate(generation)
    assert await store.count_by(ORDERS, "status") == {"created": 3000}


async def test_generation_whose_answer_was_lost_is_ours(store, proxy):
    proxy.lose_answer = lambda request: request.startswith("PUT") and request.endswith("-1")
    made = await store.create_generation(ORDER_DETAILS, "print")
    assert made.number == 1
    assert [one.number for one in await store.generations(ORDERS)] == [1]


async def test_refused_query_is_asked_again(store, orders, proxy):
    await fill(store, orders, order("o1"))
    proxy.refuse += [503, 429]
    assert await store.get(ORDERS, "o1") == order("o1")
    assert store.bulk_rejections == 1


async def test_server_that_goes_on_refusing_is_unavailable(store, orders, proxy):
    proxy.refuse += [429] * 1000
    with pytest.raises(ReadStoreUnavailable, match="429 busy"):
        await store.get(ORDERS, "o1")


async def test_server_that_hangs_is_unavailable_soon_and_a_write_waits_for_it(store, orders, proxy):
    await fill(store, orders, order("o1"))
    await found(store)
    proxy.answering.clear()
    writing = asyncio.create_task(store.write(orders, WriteBatch([new(order("o2"))])))
    asks = (
        store.get(ORDERS, "o1"),
        store.get_many(ORDERS, ["o1", "o2"]),
        store.search(ORDERS, Search()),
        store.count_by(ORDERS, "status"),
        store.sums(ORDERS, group_by="created_day", fields=["total_amount.minor"]),
    )
    async with asyncio.timeout(5):
        answers = await asyncio.gather(*asks, return_exceptions=True)
    assert [type(answer) for answer in answers] == [ReadStoreUnavailable] * len(asks)
    assert not writing.done()
    proxy.answering.set()
    await writing
    assert await store.get(ORDERS, "o2") == order("o2")


@pytest.mark.parametrize("url", ["http://u:s3cr3t%40@127.0.0.1:1", "https://u:s3cr3t%40@[::1]:1/p"])
async def test_server_that_is_not_there_is_told_of_without_the_password(url):
    store = await ElasticsearchReadStore.open(url, prefix="none")
    async with asyncio.timeout(30):
        with pytest.raises(ReadStoreUnavailable, match="connect") as told:
            await store.get(ORDERS, "o1")
    assert "s3cr3t" not in str(told.value)
    await store.close()
    await store.close()
    with pytest.raises(ReadStoreUnavailable, match="closed"):
        await store.get(ORDERS, "o1")


async def test_each_question_costs_one_request(store, orders, proxy, subtests):
    await fill(store, orders, *(order(f"o{number}", items=[line("p1")]) for number in range(5)))
    await found(store)
    asks = {
        "get": lambda: store.get(ORDERS, "o1"),
        "get_many": lambda: store.get_many(ORDERS, [f"o{number}" for number in range(500)]),
        "search": lambda: found(store, Matches("ada"), AnyOf("items.product_id", ("p1",)), limit=2),
        "count_by": lambda: store.count_by(ORDERS, "status"),
        "sums": lambda: store.sums(
            ORDERS, group_by="created_day", fields=["total_amount.minor", "items.quantity"]
        ),
        "refresh": lambda: store.refresh(ORDERS),
        "load": lambda: store.load(orders, ["o1", "o2"]),
        "checkpoints": lambda: store.checkpoints(orders),
        "parked": lambda: store.parked(orders),
        "generations": lambda: store.generations(ORDERS),
    }
    for name, ask in asks.items():
        with subtests.test(ask=name):
            before = len(proxy.requests)
            await ask()
            assert len(proxy.requests) == before + 1


async def test_refreshes_that_are_asked_for_at_once_are_few_and_find_what_was_written(
    store, orders, proxy
):
    async def write_and_find(number):
        await store.write(orders, WriteBatch([new(order(f"o{number}", city=f"City{number:02}x"))]))
        await store.refresh(ORDERS)
        return await found(store, Matches(f"City{number:02}x"))

    answers = await asyncio.gather(*(write_and_find(number) for number in range(40)))
    assert answers == [[f"o{number}"] for number in range(40)]
    before = len(proxy.requests)
    await asyncio.gather(*(store.refresh(ORDERS) for _ in range(40)))
    assert len(proxy.requests) - before <= 2


async def test_store_goes_on_when_its_server_comes_back(elasticsearch_server):
    server = elasticsearch_server
    store = await ElasticsearchReadStore.open(server.address, prefix="shop")
    generation = await store.create_generation(ORDER_DETAILS, "print")
    await store.activate(generation)
    await fill(store, generation, *(order(f"o{number}") for number in range(4)))
    page = await store.search(ORDERS, Search(limit=2))
    await store.scan(generation, limit=2)
    before = (await store.load(generation, ["o1"]))["o1"]
    server.kill()
    for ask in (store.get(ORDERS, "o1"), store.search(ORDERS, Search()), store.parked(generation)):
        with pytest.raises(ReadStoreUnavailable):
            await ask
    server.start()
    assert await store.get(ORDERS, "o1") == order("o1")
    rest = await store.search(ORDERS, Search(limit=2, cursor=page.next_cursor))
    assert [one["id"] for one in rest.documents] == ["o2", "o3"]
    assert [one.key for one in await store.scan(generation, after="o1", limit=2)] == ["o2", "o3"]
    assert (await store.load(generation, ["o1"]))["o1"] == before
    await store.close()

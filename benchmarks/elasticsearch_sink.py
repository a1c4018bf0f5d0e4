"""Writing documents to Elasticsearch: documents a second as a share of the client's own bulks.

All write the same documents, into an index made alike, on the same server, in turns.
`async_bulk` is given what the read store sends, made ready before the clock starts; it looks at no
revision and moves no checkpoint.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

import msgspec
from elasticsearch import AsyncElasticsearch
from elasticsearch.helpers import async_bulk

from benchmarks.services import servers
from contracts.documents import ORDER_DETAILS, MoneyDocument, OrderDocument
from read_side.elasticsearch import ElasticsearchReadStore
from read_side.elasticsearch.layout import Layout
from read_side.fields import Columns
from read_side.port import Checkpoint, Generation, Put, WriteBatch

DOCUMENTS = 10_000
BATCH = 500
"""Documents that a worker writes at once, and that `async_bulk` sends at once."""
PAGE = 5_000
"""Documents that a rebuild writes at once."""
ROUNDS = 5

Way = Callable[[ElasticsearchReadStore, AsyncElasticsearch, str, Generation], Awaitable[None]]


def _money(minor: int) -> MoneyDocument:
    return {"amount": f"{minor // 100}.{minor % 100:02}", "currency": "EUR", "minor": minor}


def _put(number: int) -> Put:
    key = str(UUID(int=number << 64 | 0x5EED))
    at = f"2026-01-{number % 28 + 1:02}T10:00:00.{number:06}Z"
    items = [
        {
            "item_id": str(UUID(int=number * 3 + n)),
            "product_id": str(UUID(int=(number + n) % 77)),
            "product_name": f"Tea {n}",
            "quantity": 2,
            "unit_price": _money(1250),
            "line_total": _money(2500),
        }
        for n in range(3)
    ]
    document: OrderDocument = {
        "id": key,
        "version": 4,
        "customer_id": str(UUID(int=number % 91)),
        "status": "delivered",
        "items": items,  # type: ignore[typeddict-item]
        "total_amount": _money(7500),
        "shipping_address": {
            "recipient": "Ada Lovelace",
            "lines": ["12 St James's Square"],
            "city": "London",
            "region": None,
            "postal_code": "SW1Y",
            "country": "GB",
        },
        "payment_method": "tok_visa",
        "created_at": at,
        "created_day": at[:10],
        "updated_at": at,
        "confirmed_at": at,
        "shipped_at": at,
        "delivered_at": at,
        "cancelled_at": None,
        "cancel_reason": None,
        "external_reference": None,
        "discount": None,
        "freight": None,
    }
    return Put(key, dict(document), {f"order-{key}": 4}, None)


PUTS = [_put(number) for number in range(DOCUMENTS)]


async def _raw(
    store: ElasticsearchReadStore, client: AsyncElasticsearch, index: str, generation: Generation
) -> None:
    await async_bulk(client, _ready(index), chunk_size=BATCH)
    await client.indices.refresh(index=index)


async def _write(
    store: ElasticsearchReadStore, client: AsyncElasticsearch, index: str, generation: Generation
) -> None:
    for first in range(0, DOCUMENTS, BATCH):
        at = Checkpoint("order/0/1", "store", str(first))
        await store.write(generation, WriteBatch(PUTS[first : first + BATCH], [at]))
    await client.indices.refresh(index=index)


async def _load(
    store: ElasticsearchReadStore, client: AsyncElasticsearch, index: str, generation: Generation
) -> None:
    async with store.load_in_bulk(generation) as load:
        for first in range(0, DOCUMENTS, PAGE):
            await load.write(generation, WriteBatch(PUTS[first : first + PAGE]))


WAYS: dict[str, Way] = {"async_bulk": _raw, "write": _write, "load_in_bulk": _load}


def _ready(index: str) -> list[dict[str, object]]:
    layout = Layout(Columns(ORDER_DETAILS))
    return [
        {"_index": index, "_id": put.key, "_source": msgspec.json.decode(layout.source(put))}
        for put in PUTS
    ]


async def _once(url: str, client: AsyncElasticsearch, way: Way) -> tuple[float, float]:
    """Documents a second, and seconds of this process's processor time for each."""
    prefix = f"bench-{uuid4().hex[:8]}"
    store = await ElasticsearchReadStore.open(url, prefix=prefix)
    try:
        generation = await store.create_generation(ORDER_DETAILS, "benchmark")
        _ready("")
        processor, started = time.process_time(), time.perf_counter()
        await way(store, client, f"{prefix}-order_details-{generation.number}", generation)
        seconds = time.perf_counter() - started
        return DOCUMENTS / seconds, (time.process_time() - processor) / DOCUMENTS
    finally:
        await store.close()
        await _remove(client, prefix)


async def _remove(client: AsyncElasticsearch, prefix: str) -> None:
    found = await client.indices.get(index=f"{prefix}*", features=["settings"])
    await client.indices.delete(index=list(found.body))
    for name in (f"{prefix}.control", f"{prefix}-order_details"):
        await client.indices.delete_index_template(name=name)


async def _measure(url: str) -> dict[str, list[tuple[float, float]]]:
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in WAYS}
    async with AsyncElasticsearch(url) as client:
        for way in WAYS.values():
            await _once(url, client, way)  # The server compiles what it runs often.
        for _ in range(ROUNDS):
            for name, way in WAYS.items():
                found[name].append(await _once(url, client, way))
    return found


def run() -> str:
    """Measure, and say it as a table of Markdown."""
    with servers("elasticsearch") as (url,):
        found = asyncio.run(_measure(url))
    lines = [
        "| way | documents/s, median | share of `async_bulk`, median of the rounds"
        " | our processor, a document |",
        "|---|---|---|---|",
    ]
    for name, measured in found.items():
        rate = statistics.median(rate for rate, _ in measured)
        processor = statistics.median(seconds for _, seconds in measured)
        pairs = zip(measured, found["async_bulk"], strict=True)
        share = statistics.median(own / raw for (own, _), (raw, _) in pairs)
        lines.append(f"| `{name}` | {rate:,.0f} | {share:.0%} | {processor * 1e6:.0f} µs |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(run())

"""From an acknowledged command to a query, with each process apart, Kafka and Elasticsearch.

Commands come at a steady rate, whether those before are done or not. In a first part some of the
orders are looked for without a token until they are there, in the documents and in the queries; in
the second part some are read and searched with their token, once, which has to show them.
"""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvloop
from aiokafka import AIOKafkaConsumer

from benchmarks.client import Answer, Client, client, paced, request
from benchmarks.processors import used
from benchmarks.services import servers
from event_store.tasks import stop
from tests.end_to_end import services
from tests.end_to_end.services import Servers, Shared
from tests.end_to_end.shop import Shop, open_shop
from tests.end_to_end.system import System, running

RATE = int(os.environ.get("BENCH_RATE", "100"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "25"))
CUSTOMERS = 8
EVERY = 5
"""Of so many orders one is looked for."""
_WARM_SECONDS = 5.0
_LOOK_SECONDS, _SEARCH_SECONDS = 0.01, 0.05
_GIVE_UP_SECONDS = 20.0
_DELIVERED = {"read_uncommitted": "in its topic", "read_committed": "committed there"}


@dataclass
class Found:
    """Seconds from the command's answer on, by what happened then."""

    waits: dict[str, list[float]] = field(default_factory=dict)
    arrived: dict[str, dict[str, float]] = field(default_factory=dict)
    """When the orders' first events could be read from Kafka, by isolation level."""
    used: Counter[str] = field(default_factory=Counter)
    """Seconds of processor time while it was measured, by process."""
    shown: int = 0
    """Reads and searches whose first answer was fresh and right."""

    def add(self, what: str, since: float) -> None:
        """It happened now."""
        self.waits.setdefault(what, []).append(time.perf_counter() - since)

    def delivered(self, order: str, since: float) -> None:
        """What consumers saw of the order, once its document is there."""
        for level, what in _DELIVERED.items():
            if (at := self.arrived[level].get(order)) is not None:
                self.waits.setdefault(what, []).append(at - since)


@dataclass
class Target:
    """Where to send what, as whom."""

    commands: Client
    queries: Client
    documents: Client
    index: str
    shop: Shop
    tokens: list[str]

    async def create(self, number: int) -> Answer:
        """Create an order; stops all unless it is acknowledged."""
        body = json.dumps(self.shop.order(number % 3 + 1, number % 2)).encode()
        created = await self.commands.send(
            request("POST /api/orders", self.token(number), body=body)
        )
        if created.status != 201:
            raise SystemExit(f"answered {created.status}: {created.body[:300]!r}")
        return created

    def token(self, number: int) -> str:
        """The access token of who creates and reads this order."""
        return self.tokens[number % len(self.tokens)]

    def query(self, number: int, path: str, *headers: str) -> Awaitable[Answer]:
        """Ask the query API."""
        return self.queries.send(request(f"GET {path}", self.token(number), *headers))

    def document(self, order: str) -> Awaitable[Answer]:
        """Ask Elasticsearch itself, which shows documents by their id as last written."""
        return self.documents.send(request(f"GET /{self.index}/_doc/{order}?_source=false", ""))


async def _until(ask: Callable[[], Awaitable[Answer]], sign: bytes, pause: float) -> None:
    async with asyncio.timeout(_GIVE_UP_SECONDS):
        while True:
            answer = await ask()
            if answer.status == 200 and sign in answer.body:
                return
            await asyncio.sleep(pause)


async def _without_token(to: Target, found: Found, number: int) -> None:
    created = await to.create(number)
    since = time.perf_counter()
    found.waits.setdefault("command", []).append(created.seconds)
    order: str = json.loads(created.body)["id"]
    sign = order.encode()
    match number % (4 * EVERY):
        case 0 | 10:
            await _until(lambda: to.document(order), sign, _LOOK_SECONDS)
            found.add("document", since)
            found.delivered(order, since)
        case 5:
            path = f"/api/orders/{order}"
            await _until(lambda: to.query(number, path), sign, _LOOK_SECONDS)
            found.add("read, polled", since)
        case 15:
            path = f"/api/orders?q={order}"
            await _until(lambda: to.query(number, path), sign, _SEARCH_SECONDS)
            found.add("search, polled", since)
        case _:
            pass


async def _with_token(to: Target, found: Found, number: int) -> None:
    created = await to.create(number)
    since = time.perf_counter()
    if number % EVERY:
        return
    order: str = json.loads(created.body)["id"]
    token = f"Consistency-Token: {created.header(b'Consistency-Token').decode()}"

    async def ask(what: str, path: str) -> None:
        answer = await to.query(number, path, token)
        found.add(what, since)
        is_fresh = answer.header(b"Read-Model") == b"fresh"
        found.shown += is_fresh and answer.status == 200 and order.encode() in answer.body

    await asyncio.gather(
        ask("read, token", f"/api/orders/{order}"), ask("search, token", f"/api/orders?q={order}")
    )


@asynccontextmanager
async def _consumers(system: System, arrived: dict[str, dict[str, float]]) -> AsyncGenerator[None]:
    """Notes when each order's first event can be read, with and without what is not committed."""
    tasks: list[asyncio.Task[None]] = []
    ready = [asyncio.Event() for _ in _DELIVERED]
    for level, event in zip(_DELIVERED, ready, strict=True):
        at = arrived[level] = {}
        tasks.append(asyncio.create_task(_consume(system.settings, level, at, event)))
    for event in ready:
        await event.wait()
    try:
        yield
    finally:
        await stop(*tasks)


async def _consume(
    settings: Mapping[str, Any], level: str, at: dict[str, float], ready: asyncio.Event
) -> None:
    consumer = AIOKafkaConsumer(
        f"{settings['topic_prefix']}order-events",
        bootstrap_servers=settings["kafka"],
        isolation_level=level,
        auto_offset_reset="latest",
    )
    async with consumer:
        await consumer.seek_to_end()
        ready.set()
        async for record in consumer:
            at.setdefault(record.key.decode(), time.perf_counter())


async def _measure(system: System) -> Found:
    shop = await open_shop(system, customers=CUSTOMERS)
    tokens = [system.token("customer", one) for one in shop.customers]
    ports = [
        urlsplit(str(url)).port
        for url in (system.base_url, system.query_url, system.settings["read_store"])
    ]
    index = f"{system.settings['index_prefix']}-order_details"
    found, warm = Found(), Found()
    async with (
        client(ports[0]) as commands,
        client(ports[1]) as queries,
        client(ports[2]) as documents,
        _consumers(system, found.arrived),
    ):
        to = Target(commands, queries, documents, index, shop, tokens)
        warm.arrived = found.arrived
        for work, seconds, into in (
            (_without_token, _WARM_SECONDS, warm),
            (_without_token, SECONDS, found),
            (_with_token, SECONDS, found),
        ):
            before = used()
            await paced(RATE, lambda n: work(to, into, n), lambda passed: passed < seconds)  # noqa: B023
            into.used += used() - before
    return found


def _row(title: str, times: list[float]) -> str:
    ordered = sorted(times)
    at = [ordered[int(share * (len(ordered) - 1))] * 1000 for share in (0.5, 0.99)]
    return f"| {title} | {len(times):,} | {at[0]:.0f} ms | {at[1]:.0f} ms |"


def _table(found: Found, processes: tuple[str, ...]) -> str:
    titles = {
        "command": "command sent to acknowledged",
        "in its topic": "acknowledged to the event in its topic, as Faust reads it",
        "committed there": "acknowledged to the event committed there",
        "document": "acknowledged to its document written",
        "read, polled": "acknowledged to seen by id, asked again and again without a token",
        "search, polled": "acknowledged to found by a search, likewise",
        "read, token": "acknowledged to read with its token, asked once",
        "search, token": "acknowledged to found with its token, asked once",
    }
    asked = len(found.waits["read, token"]) + len(found.waits["search, token"])
    return "\n".join(
        [
            f"| at {RATE} commands/s; {', '.join(processes)} | orders | p50 | p99 |",
            "|---|---|---|---|",
            *(_row(title, found.waits[what]) for what, title in titles.items()),
            "",
            f"{found.shown:,} of {asked:,} reads and searches right after their writes were fresh"
            " and showed them.",
            f"Processor time, in ms a command: {_spent(found)}; {os.cpu_count()} cores have"
            f" {os.cpu_count() * 1000 / RATE:.0f} ms.",
        ]
    )


def _spent(found: Found) -> str:
    commands = 2 * RATE * SECONDS
    spent = [
        f"{name} {seconds * 1000 / commands:.1f}" for name, seconds in found.used.most_common()
    ]
    return ", ".join(spent)


def run() -> str:
    """Measure, and say it as a table of Markdown.

    Raises:
        Missing: this machine lacks something that Kafka or Elasticsearch needs.
    """
    with tempfile.TemporaryDirectory() as folder, servers("kafka", "elasticsearch") as addresses:
        Shared.servers = Servers(*addresses)
        with running(Path(folder) / "system", "services") as system:
            found = uvloop.run(_measure(system))
    return _table(found, services.PROCESSES)

"""The development server through `esdbclient`, and the write side on it against SQLite."""

from __future__ import annotations

import asyncio
import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from uuid import uuid4

import uvloop
from esdbclient import AsyncEventStoreDBClient, NewEvent, StreamState
from pydantic import SecretStr

from benchmarks.commands import create_order, prepare
from bootstrap.container import Container, open_container
from bootstrap.settings import Settings

ROUNDS = 5
CALLERS = 64
SINGLE = 200
BATCHES = 20
BATCH = 100
DATA = b'{"customer_id":"' + b"c" * 280 + b'"}'
METADATA = b'{"command":"CreateOrder","by":"' + b"b" * 160 + b'"}'
_ADDRESS = re.compile(r"esdb://\S+")


@asynccontextmanager
async def server(folder: Path) -> AsyncGenerator[str]:
    """The URI of a server of its own process."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bootstrap.main", "serve", "event-store"),
        env={**os.environ, "ORDERLOG_DATA": str(folder), "ORDERLOG_EVENT_STORE_PORT": "0"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        found = _ADDRESS.search((await process.stdout.readline()).decode())
        assert found, "the server did not start"
        yield found[0]
    finally:
        process.terminate()
        await process.wait()


def _events(count: int) -> list[NewEvent]:
    return [NewEvent("OrderCreated", DATA, METADATA, id=uuid4()) for _ in range(count)]


async def _rate(count: int, work: Callable[[], Awaitable[object]]) -> float:
    begin = time.perf_counter()
    await work()
    return count / (time.perf_counter() - begin)


class _Appends:
    """Appends to streams of their own."""

    def __init__(self, client: AsyncEventStoreDBClient) -> None:
        self._client = client

    async def append(self, count: int) -> None:
        await self._client.append_to_stream(
            f"order-{uuid4()}", current_version=StreamState.NO_STREAM, events=_events(count)
        )

    async def one_by_one(self) -> None:
        for _ in range(SINGLE):
            await self.append(1)

    async def at_once(self) -> None:
        async def caller() -> None:
            for _ in range(SINGLE // 10):
                await self.append(1)

        await asyncio.gather(*(caller() for _ in range(CALLERS)))

    async def in_batches(self) -> None:
        for _ in range(BATCHES):
            await self.append(BATCH)

    async def read(self) -> None:
        async with await self._client.read_all(limit=BATCHES * BATCH) as events:
            assert len([event async for event in events]) == BATCHES * BATCH

    async def latencies(self) -> Sequence[float]:
        """Seconds from an acknowledged append until a live subscription has it."""
        acknowledged: dict[str, float] = {}
        found: list[float] = []
        subscription = await self._client.subscribe_to_all(from_end=True, include_caught_up=True)
        async with subscription:
            async for event in subscription:
                if not event.is_caught_up:
                    begin = acknowledged[event.stream_name]
                    found.append(max(0.0, time.perf_counter() - begin))
                if len(found) == SINGLE:
                    return found
                stream = f"order-{uuid4()}"
                acknowledged[stream] = float("inf")
                await self._client.append_to_stream(
                    stream, current_version=StreamState.NO_STREAM, events=_events(1)
                )
                acknowledged[stream] = time.perf_counter()
        raise RuntimeError("the subscription ended")


async def _protocol(uri: str) -> list[str]:
    client = AsyncEventStoreDBClient(uri)
    await client.connect()
    appends = _Appends(client)
    cases = [
        ("appends of one event, one after the other", SINGLE, appends.one_by_one, "appends/s"),
        ("the same from 64 callers", SINGLE // 10 * CALLERS, appends.at_once, "appends/s"),
        ("appends of 100 events", BATCHES * BATCH, appends.in_batches, "events/s"),
        ("reading `$all`", BATCHES * BATCH, appends.read, "events/s"),
    ]
    rates: dict[str, list[float]] = {name: [] for name, *_ in cases}
    delays: list[float] = []
    await appends.in_batches()
    for _ in range(ROUNDS):
        for name, count, work, _unit in cases:
            rates[name].append(await _rate(count, work))
        delays += await appends.latencies()
    await client.close()
    lines = ["| through `esdbclient` | median (min-max) |", "|---|---|"]
    for name, _count, _work, unit in cases:
        low, middle, high = min(rates[name]), statistics.median(rates[name]), max(rates[name])
        lines.append(f"| {name} | {middle:,.0f} ({low:,.0f}-{high:,.0f}) {unit} |")
    p50, p99 = statistics.median(delays) * 1e3, statistics.quantiles(delays, n=100)[98] * 1e3
    lines.append(f"| acknowledged to seen by a subscription | p50 {p50:.1f} ms, p99 {p99:.1f} ms |")
    return lines


async def _commands(container: Container) -> float:
    async def caller() -> None:
        for _ in range(SINGLE // 10):
            await create_order(container)

    return await _rate(
        SINGLE // 10 * CALLERS, lambda: asyncio.gather(*(caller() for _ in range(CALLERS)))
    )


async def _write_side(folder: Path, uri: str) -> list[str]:
    server = Settings(data=folder / "on-server", event_store=SecretStr(uri))
    async with AsyncExitStack() as stack:
        embedded = await stack.enter_async_context(open_container(Settings(data=folder / "file")))
        remote = await stack.enter_async_context(open_container(server))
        for container in (embedded, remote):
            await prepare(container)
            await _commands(container)
        pairs = [(await _commands(embedded), await _commands(remote)) for _ in range(ROUNDS)]
    ratios = [there / here for here, there in pairs]
    lines = ["| CreateOrder, 64 callers | commands/s | ratio |", "|---|---|---|"]
    lines.append(f"| SQLite | {statistics.median(here for here, _ in pairs):,.0f} | 1.00 |")
    spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"
    there = statistics.median(there for _, there in pairs)
    lines.append(f"| the development server | {there:,.0f} | {spread} |")
    return lines


async def _measure(folder: Path) -> str:
    async with server(folder / "server") as uri:
        return "\n".join([*await _protocol(uri), "", *await _write_side(folder, uri)])


def run() -> str:
    """Measure, and say it as tables of Markdown."""
    with tempfile.TemporaryDirectory() as folder:
        return uvloop.run(_measure(Path(folder)))

"""A rebuild beside a busy `orderlog serve`: what reads and writes notice, and what it makes."""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.client import Answer, Client, client, paced, request
from benchmarks.create_order import Shop, prepare_shop
from benchmarks.rebuild import fill
from bootstrap.container import open_container
from bootstrap.settings import Settings
from projections.catalogue import PROJECTORS

EVENTS = int(os.environ.get("BENCH_EVENTS", "100000"))
"""Events there are before the load begins."""
ROUNDS = 3
QUIET_SECONDS = 8.0
WRITES, READS = 200, 50
"""Requests a second, whether those before are answered or not."""
_PROJECTION = "order_details"
_WARM_SECONDS = 2.0


@dataclass
class Seen:
    """Seconds that requests took, by what was asked."""

    writes: list[float] = field(default_factory=list[float])
    reads: list[float] = field(default_factory=list[float])


@dataclass(frozen=True)
class Round:
    """A quiet time and the rebuild after it."""

    quiet: Seen
    rebuilding: Seen
    seconds: float
    """From the start of the rebuild's process to its end."""


class Load:
    """Steady writes and reads for as long as wanted."""

    def __init__(self, to: Client, shop: Shop, operator: str, orders: list[str]) -> None:
        """Create orders as the shop's customer; read, as an operator, these and lists."""
        self.seen = Seen()
        self._to = to
        self._post = request("POST /api/orders", shop.token, body=shop.body)
        paths = [f"/api/orders/{order}" for order in orders]
        paths[::5] = ["/api/orders?status=created&limit=20"] * len(paths[::5])
        self._gets = [request(f"GET {path}", operator) for path in paths]

    async def run(self, more: Callable[[float], bool]) -> Seen:
        """Send while `more`, asked with the seconds so far, says so; wait for the answers."""
        self.seen = Seen()
        await asyncio.gather(paced(WRITES, self._write, more), paced(READS, self._read, more))
        return self.seen

    async def _write(self, _: int) -> None:
        self.seen.writes.append(_seconds(await self._to.send(self._post), 201))

    async def _read(self, number: int) -> None:
        get = self._gets[number % len(self._gets)]
        self.seen.reads.append(_seconds(await self._to.send(get), 200))


def _seconds(answer: Answer, expected: int) -> float:
    if answer.status != expected:
        raise SystemExit(f"answered {answer.status}: {answer.body[:300]!r}")
    return answer.seconds


def _orderlog(folder: Path, *arguments: str) -> list[str]:
    data = f"ORDERLOG_DATA={folder.absolute()}"
    quiet = ("ORDERLOG_LOG_LEVEL=warning", "ORDERLOG_PORT=0")
    return ["env", data, *quiet, sys.executable, "-m", "bootstrap.main", *arguments]


@contextmanager
def _serving(folder: Path) -> Generator[int]:
    command = _orderlog(folder, "serve")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            yield int(line.partition("127.0.0.1:")[2].split()[0])
        finally:
            process.terminate()


async def _rebuild(folder: Path, *options: str) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        *_orderlog(folder, "projections", "rebuild", _PROJECTION, "--json", *options),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        told, _ = await process.communicate()
    except asyncio.CancelledError:
        process.terminate()
        await process.wait()
        raise
    if process.returncode:
        raise SystemExit(f"the rebuild failed: {told.decode()}")
    return json.loads(told)[0]


async def _one_round(load: Load, folder: Path) -> Round:
    quiet = await load.run(lambda seconds: seconds < QUIET_SECONDS)
    begin = time.perf_counter()
    rebuilding = asyncio.create_task(_rebuild(folder))
    during = await load.run(lambda _: not rebuilding.done())
    seconds = time.perf_counter() - begin
    if not (await rebuilding)["switched"]:
        raise SystemExit("what was built was not switched to")
    return Round(quiet, during, seconds)


async def _prepare(folder: Path) -> tuple[Shop, str, list[str]]:
    """A shop with a history that its read models show and its policies are through with."""
    shop = await prepare_shop(folder)
    await fill(folder / "events.db", EVENTS)
    async with open_container(Settings(data=folder)) as container:
        head = await container.events.head()
        assert head is not None
        for policy in container.policies:
            await container.subscriptions.save_checkpoint(policy.NAME, head)
        for projection in PROJECTORS:
            await container.projections.rebuild(projection, switch=True, report=lambda _: None)
        page = await container.events.read_all(categories=["order"], limit=500)
        orders = sorted({event.stream.partition("-")[2] for event in page.events})
        operator = container.token("benchmark", ("operator",), timedelta(hours=1))
    return shop, operator, orders


async def _measure(port: int, folder: Path, made: tuple[Shop, str, list[str]]) -> list[Round]:
    async with client(port) as to:
        load = Load(to, *made)
        await load.run(lambda seconds: seconds < _WARM_SECONDS)
        rounds = [await _one_round(load, folder) for _ in range(ROUNDS)]
    at_rest = (await _rebuild(folder, "--no-switch"))["comparison"]
    if at_rest["differing"] or at_rest["not_compared"] or not at_rest["compared"]:
        raise SystemExit(f"what was built under load is not what is built at rest: {at_rest}")
    return rounds


def run() -> str:
    """Measure, and say it as a table of Markdown."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = uvloop.run(_prepare(folder))
        with _serving(folder) as port:
            rounds = uvloop.run(_measure(port, folder, made))
    seconds = statistics.median(one.seconds for one in rounds)
    lines = [
        f"| {EVENTS:,} events before; a rebuild takes {seconds:.1f} s beside the load | quiet p50 |"
        " p99 | rebuilding p50 | p99 | ratio of the p99 (median, min-max) |",
        "|---|---|---|---|---|---|",
    ]
    for name, rate in (("writes", WRITES), ("reads", READS)):
        pairs = [(getattr(one.quiet, name), getattr(one.rebuilding, name)) for one in rounds]
        ratios = [_at(busy, 0.99) / _at(quiet, 0.99) for quiet, busy in pairs]
        quiet = [one for quiet, _ in pairs for one in quiet]
        busy = [one for _, busy in pairs for one in busy]
        times = " | ".join(f"{_at(all_, p):.1f} ms" for all_ in (quiet, busy) for p in (0.5, 0.99))
        spread = f"{statistics.median(ratios):.1f} ({min(ratios):.1f}-{max(ratios):.1f})"
        lines.append(f"| {name}, {rate}/s | {times} | {spread} |")
    return "\n".join(lines)


def _at(times: list[float], share: float) -> float:
    ordered = sorted(times)
    return ordered[int(share * (len(ordered) - 1))] * 1000

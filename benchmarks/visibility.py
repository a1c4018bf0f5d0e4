"""From an acknowledged command to its effect in a query, at a steady rate, over HTTP."""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import httpx
import uvloop

from benchmarks.create_order import Shop, prepare_shop, server

RATE = 200
SECONDS = 5


async def _one(client: httpx.AsyncClient, shop: Shop) -> tuple[float, float]:
    headers = {"Authorization": f"Bearer {shop.token}", "Content-Type": "application/json"}
    begin = time.perf_counter()
    created = await client.post("/api/orders", content=shop.body, headers=headers)
    acknowledged = time.perf_counter()
    headers["Consistency-Token"] = created.headers["Consistency-Token"]
    order = json.loads(created.content)["id"]
    seen = await client.get(f"/api/orders/{order}", headers=headers)
    if seen.status_code != 200 or seen.headers["Read-Model"] != "fresh":
        raise SystemExit(f"not seen: {seen.status_code} {seen.headers.get('Read-Model')}")
    return acknowledged - begin, time.perf_counter() - acknowledged


async def _load(port: int, shop: Shop) -> list[tuple[float, float]]:
    limits = httpx.Limits(max_connections=64, max_keepalive_connections=64)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", limits=limits) as client:
        await asyncio.gather(*(_one(client, shop) for _ in range(32)))
        tasks: list[asyncio.Task[tuple[float, float]]] = []
        begin = time.perf_counter()
        for number in range(RATE * SECONDS):
            await asyncio.sleep(max(0.0, begin + number / RATE - time.perf_counter()))
            tasks.append(asyncio.create_task(_one(client, shop)))
        return await asyncio.gather(*tasks)


def _fsync_ms(folder: Path) -> float:
    times: list[float] = []
    with (folder / "fsync").open("wb", buffering=0) as file:
        for _ in range(200):
            file.write(b"x" * 4096)
            begin = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - begin)
    return statistics.median(times) * 1000


def _percentiles(times: list[float]) -> str:
    ordered = sorted(times)
    at = [ordered[int(share * (len(ordered) - 1))] * 1000 for share in (0.5, 0.99)]
    return f"{at[0]:.1f} ms | {at[1]:.1f} ms"


def run() -> str:
    """Measure, and say it as a table of Markdown."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        idle = _fsync_ms(folder)
        shop = uvloop.run(prepare_shop(folder / "whole"))
        port = stack.enter_context(server("whole", folder / "whole"))
        times = uvloop.run(_load(port, shop))
    return "\n".join(
        [
            f"| at {RATE} commands/s; an idle fdatasync takes {idle:.2f} ms | p50 | p99 |",
            "|---|---|---|",
            f"| command sent to acknowledged | {_percentiles([one for one, _ in times])} |",
            f"| acknowledged to seen in a query | {_percentiles([two for _, two in times])} |",
        ]
    )

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

import uvloop

from benchmarks.client import Client, client, paced, request
from benchmarks.create_order import Shop, prepare_shop, server

RATE = 200
SECONDS = 10


async def _one(to: Client, shop: Shop) -> tuple[float, float]:
    created = await to.send(request("POST /api/orders", shop.token, body=shop.body))
    if created.status != 201:
        raise SystemExit(f"answered {created.status}: {created.body[:300]!r}")
    order = json.loads(created.body)["id"]
    token = f"Consistency-Token: {created.header(b'Consistency-Token').decode()}"
    seen = await to.send(request(f"GET /api/orders/{order}", shop.token, token))
    if seen.status != 200 or seen.header(b"Read-Model") != b"fresh":
        raise SystemExit(f"not seen: {seen.status} {seen.header(b'Read-Model')!r}")
    return created.seconds, seen.seconds


async def _load(port: int, shop: Shop) -> list[tuple[float, float]]:
    async with client(port) as to:
        await asyncio.gather(*(_one(to, shop) for _ in range(32)))
        return await paced(RATE, lambda _: _one(to, shop), lambda seconds: seconds < SECONDS)


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

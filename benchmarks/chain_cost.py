"""What the hashes over events cost a CreateOrder: with and without them, interleaved.

Once below HTTP, by the command bus, and once through the application of the command API, called
directly as ASGI: whatever the server around it adds makes the share smaller still. By processor
time of the whole process, the commits included.

python -m benchmarks.chain_cost
"""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.commands import ADDRESS, CUSTOMER, PRODUCTS, create_order, prepare
from bootstrap.container import Container, open_container
from bootstrap.settings import Settings
from bootstrap.web import command_app
from event_store.chain import Chain, Unchained
from event_store.port import NewEvent

ROUNDS = 9
PAIRS = 9
"""In a round, of which the quickest with and the quickest without count: noise only ever adds."""
CONCURRENT = 64
COMMANDS = 5
"""Of each of the concurrent callers, in one measurement."""

Work = Callable[[], Awaitable[None]]

_chained = Chain.chained


def _unchained(
    self: Chain, stream: str, first: int, before: str, events: Iterable[Unchained]
) -> tuple[list[NewEvent], str]:
    return [NewEvent(*event) for event in events], ""


def _posting(container: Container) -> Work:
    """A request to the application, which has to be answered with 201."""
    app = command_app(container)
    token = container.token(CUSTOMER, ("customer",), timedelta(hours=1))
    address = {"recipient": ADDRESS.recipient, "lines": ADDRESS.lines, "city": ADDRESS.city}
    items = [{"product_id": product, "quantity": 2} for product in PRODUCTS]
    order = {"items": items, "shipping_address": {**address, "country": ADDRESS.country}}
    body = json.dumps(order).encode()
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/api/orders",
        "raw_path": b"/api/orders",
        "root_path": "",
        "query_string": b"",
        "headers": [
            (b"host", b"localhost"),
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"authorization", f"Bearer {token}".encode()),
        ],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start" and message["status"] != 201:
            raise SystemExit(f"the order was answered with {message['status']}")

    async def post() -> None:
        await app({**scope, "state": {}}, receive, send)

    return post


async def _measure(work: Work) -> float:
    """CPU time of a command, in microseconds."""

    async def caller() -> None:
        for _ in range(COMMANDS):
            await work()

    started = time.process_time()
    await asyncio.gather(*(caller() for _ in range(CONCURRENT)))
    return (time.process_time() - started) / (CONCURRENT * COMMANDS) * 1e6


async def _round(work: Work) -> tuple[float, float]:
    """With and without."""
    ways = {_chained: float("inf"), _unchained: float("inf")}
    for _ in range(PAIRS):
        for way in random.sample((_chained, _unchained), 2):
            Chain.chained = way
            ways[way] = min(ways[way], await _measure(work))
    return ways[_chained], ways[_unchained]


async def _hashing(work: Work) -> float:
    """CPU time within the chain of a command, in microseconds, among all else that is done."""
    spent: list[int] = []

    def timed(
        self: Chain, stream: str, first: int, before: str, events: Iterable[Unchained]
    ) -> tuple[list[NewEvent], str]:
        started = time.thread_time_ns()
        chained = _chained(self, stream, first, before, events)
        spent.append(time.thread_time_ns() - started)
        return chained

    Chain.chained = timed
    await _measure(work)
    return statistics.fmean(spent) / 1000


async def _row(name: str, work: Work) -> str:
    await _measure(work)
    hashing = statistics.median([await _hashing(work) for _ in range(ROUNDS)])
    rounds = [await _round(work) for _ in range(ROUNDS)]
    with_, without = (statistics.median(times) for times in zip(*rounds, strict=True))
    shares = sorted((1 - less / more) * 100 for more, less in rounds)
    share = f"{statistics.median(shares):.1f} % ({shares[0]:.1f}-{shares[-1]:.1f})"
    return f"| {name} | {with_:.0f} | {without:.0f} | {share} | {hashing:.1f} |"


async def _run(folder: Path) -> str:
    async with open_container(Settings(data=folder)) as container:
        await prepare(container)
        below = await _row("below HTTP", lambda: create_order(container))
        over = await _row("in the HTTP application, without the server", _posting(container))
    return "\n".join(
        [
            "| a CreateOrder | µs of CPU with hashes | without | their share (median, min-max) "
            "| µs within the chain |",
            "|---|---|---|---|---|",
            below,
            over,
        ]
    )


def run() -> str:
    """Measure, and say it as a table of Markdown."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            return uvloop.run(_run(Path(folder)))
        finally:
            Chain.chained = _chained


if __name__ == "__main__":
    print(run())

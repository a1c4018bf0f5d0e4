"""Durable CreateOrder over HTTP against a bare FastAPI echo of the same body, interleaved."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import uvloop

from benchmarks.load import MakeRequest, Result, load
from bootstrap.container import open_container
from bootstrap.settings import Settings
from contracts.commands.sales import AddProduct
from contracts.commands.users import RegisterUser
from contracts.values import Money
from write_side.kernel.context import by_system, derived_id

ROUNDS = 7
SECONDS = 2.0
CONNECTIONS = 64
KINDS = ("echo", "commands", "with key", "whole")


@dataclass(frozen=True)
class Shop:
    """What a request needs to be accepted."""

    token: str
    body: bytes


async def prepare_shop(folder: Path) -> Shop:
    """A customer with a token and three products, in a data folder."""
    customer = derived_id("benchmark", "customer")
    products = [derived_id("benchmark", "product", str(number)) for number in range(3)]
    async with open_container(Settings(data=folder)) as container:
        register = RegisterUser(user_id=customer, name="Ada", email="ada@example.com")
        await container.bus.handle(register, by_system("benchmark"))
        for product in products:
            price = Money(Decimal("12.50"), "EUR")
            add = AddProduct(product_id=product, name="Tea", price=price)
            await container.bus.handle(add, by_system("benchmark"))
        token = container.token(customer, ("customer",), timedelta(hours=1))
    body = {
        "items": [{"product_id": product, "quantity": 2} for product in products],
        "shipping_address": {
            "recipient": "Ada Lovelace",
            "lines": ["12 St James's Square"],
            "city": "London",
            "region": None,
            "postal_code": "SW1Y 4JH",
            "country": "GB",
        },
    }
    return Shop(token, json.dumps(body).encode())


def _requests(shop: Shop, *, key: bool) -> MakeRequest:
    head = (
        "POST /api/orders HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {shop.token}\r\nContent-Length: {len(shop.body)}\r\n"
    ).encode()

    def make(number: int) -> bytes:
        if not key:
            return head + b"\r\n" + shop.body
        return head + b"Idempotency-Key: order-%d\r\n\r\n" % number + shop.body

    return make


@contextmanager
def server(kind: str, folder: Path) -> Generator[int]:
    """A server in a process of its own; its port."""
    command = [sys.executable, "-m", "benchmarks.servers", kind, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


def run() -> str:
    """Measure, and say it as a table of Markdown."""
    results: dict[str, list[Result]] = {kind: [] for kind in KINDS}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        shops = {}
        for kind in ("commands", "whole"):
            shops[kind] = uvloop.run(prepare_shop(Path(folder, kind)))
        ports = {
            kind: stack.enter_context(server(kind, Path(folder, kind)))
            for kind in ("echo", "commands", "whole")
        }
        targets = {
            "echo": (ports["echo"], _requests(shops["commands"], key=False)),
            "commands": (ports["commands"], _requests(shops["commands"], key=False)),
            "with key": (ports["commands"], _requests(shops["commands"], key=True)),
            "whole": (ports["whole"], _requests(shops["whole"], key=False)),
        }
        for number in range(ROUNDS + 1):
            for kind, (port, make) in targets.items():
                first = number * 10_000_000
                result = uvloop.run(
                    load(port, make, seconds=SECONDS, connections=CONNECTIONS, first=first)
                )
                _check(kind, result)
                if number:  # the first round warms up
                    results[kind].append(result)
    return _table(results)


def _check(kind: str, result: Result) -> None:
    expected = 200 if kind == "echo" else 201
    if set(result.statuses) != {expected}:
        raise SystemExit(f"{kind} answered {result.statuses}")


def _table(results: dict[str, list[Result]]) -> str:
    names = {
        "echo": "bare FastAPI echo",
        "commands": "command API alone",
        "with key": "command API alone, with Idempotency-Key",
        "whole": "the whole of `serve`",
    }
    lines = ["| | requests/s | ratio to the echo (median, min-max) | p99 |", "|---|---|---|---|"]
    for kind, runs in results.items():
        ratios = [run.rate / echo.rate for run, echo in zip(runs, results["echo"], strict=True)]
        rate = statistics.median(run.rate for run in runs)
        p99 = statistics.median(run.percentile(0.99) for run in runs) * 1000
        spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"
        lines.append(f"| {names[kind]} | {rate:,.0f} | {spread} | {p99:.0f} ms |")
    return "\n".join(lines)

"""A server that is told to stop finishes what it has accepted, and nothing else keeps it."""

from __future__ import annotations

import asyncio
import json
import signal
from dataclasses import dataclass

import httpx
import pytest

from tests.end_to_end.shop import Shop, keyed, made, ok, open_shop, until
from tests.end_to_end.system import System

BUYERS = 6


async def test_told_to_stop_under_load_then_what_was_accepted_is_answered_and_kept(system: System):
    shop = await open_shop(system)
    halves = [await HalfSent.begin(system, shop, f"half-{number}") for number in range(3)]
    answered: set[str] = set()
    async with asyncio.TaskGroup() as load:
        enough = asyncio.Semaphore(0)
        for number in range(BUYERS):
            load.create_task(buy(system, shop, f"buyer-{number}", answered, enough))
        for _ in range(60):
            await enough.acquire()
        system.signal(signal.SIGTERM)
    await nobody_listens(system)
    for half in halves:
        answered.add(await half.finish())
    assert system.ended() == 0
    system.start()

    async def all_are_kept() -> bool:
        return await orders_kept(system) == answered

    await until(all_are_kept)
    assert len(answered) >= 60 + len(halves)


async def buy(
    system: System, shop: Shop, name: str, answered: set[str], enough: asyncio.Semaphore
) -> None:
    """Order until the connection is closed; whatever is answered is a 201."""
    async with system.client("customer", shop.customers[0]) as client:
        for number in range(100_000):
            key = keyed(f"{name}-{number}")
            try:
                answer = await client.post("/api/orders", json=shop.order(1), headers=key)
            except httpx.TransportError:
                return
            answered.add(made(answer)["id"])
            enough.release()


@dataclass
class HalfSent:
    """A request of which the head and half the body have been sent."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    rest: bytes

    @classmethod
    async def begin(cls, system: System, shop: Shop, key: str) -> HalfSent:
        url = httpx.URL(system.base_url)
        reader, writer = await asyncio.open_connection(url.host, url.port)
        body = json.dumps(shop.order(1)).encode()
        head = (
            f"POST /api/orders HTTP/1.1\r\nHost: {url.host}\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {system.token('customer', shop.customers[0])}\r\n"
            f"Idempotency-Key: {key}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        half = len(body) // 2
        writer.write(head.encode() + body[:half])
        await writer.drain()
        return cls(reader, writer, body[half:])

    async def finish(self) -> str:
        """Send the rest; the id that is answered."""
        self.writer.write(self.rest)
        answer = await self.reader.read()
        self.writer.close()
        await self.writer.wait_closed()
        assert answer.startswith(b"HTTP/1.1 201 "), answer
        return json.loads(answer.partition(b"\r\n\r\n")[2])["id"]


async def nobody_listens(system: System) -> None:
    """Return when new connections are refused."""
    url = httpx.URL(system.base_url)
    async with asyncio.timeout(10):
        while True:
            try:
                _, writer = await asyncio.open_connection(url.host, url.port)
            except ConnectionRefusedError:
                return
            writer.close()


async def orders_kept(system: System) -> set[str]:
    kept: set[str] = set()
    page = {"limit": "100"}
    async with system.client("operator") as operator:
        while True:
            answer = ok(await operator.get("/api/orders", params=page))
            kept |= {order["id"] for order in answer["items"]}
            if answer["next_cursor"] is None:
                return kept
            page["cursor"] = answer["next_cursor"]


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT], ids=lambda it: it.name)
async def test_told_to_stop_when_idle_then_open_connections_do_not_keep_it(system: System, told):
    async with system.client() as one, system.client() as other:
        for client in (one, other):
            ok(await client.get("/health/ready"))
        system.signal(told)
        assert system.ended(within=5) == 0

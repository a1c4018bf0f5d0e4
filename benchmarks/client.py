"""An HTTP/1.1 client that takes little of the processor, for load at a steady pace."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar, cast

T = TypeVar("T")

_IDLE_SECONDS = 2.0
"""A connection that was idle for longer is not used again: the server may be closing it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered. `seconds` is the time from sending to the last byte."""

    status: int
    head: bytes
    body: bytes
    seconds: float

    def header(self, name: bytes) -> bytes:
        """The value of a header; empty where there is none."""
        at = self.head.lower().find(b"\r\n" + name.lower() + b":")
        return b"" if at < 0 else self.head[at + len(name) + 3 :].split(b"\r\n", 1)[0].strip()


def request(target: str, token: str, *headers: str, body: bytes = b"") -> bytes:
    """The bytes of a request such as `GET /api/orders`, with JSON in and out."""
    lines = (
        f"{target} HTTP/1.1",
        "Host: localhost",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        f"Authorization: Bearer {token}",
        *headers,
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


class _Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self._buffer = b""
        self._sent = time.perf_counter()
        self._answer: asyncio.Future[Answer] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are no subclass

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._buffer[:end]
        at = head.lower().index(b"content-length:") + 15
        length = int(head[at:].split(b"\r\n", 1)[0])
        if len(self._buffer) < end + 4 + length or self._answer is None:
            return
        seconds = time.perf_counter() - self._sent
        answer, self._answer = self._answer, None
        body, self._buffer = self._buffer[end + 4 :], b""
        if not answer.done():
            answer.set_result(Answer(int(head[9:12]), head, body, seconds))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionError("the server closed the connection"))

    async def send(self, request: bytes) -> Answer:
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._sent = time.perf_counter()
        self._transport.write(request)
        return await self._answer

    def is_fresh(self) -> bool:
        return time.perf_counter() - self._sent < _IDLE_SECONDS

    def close(self) -> None:
        assert self._transport is not None
        self._transport.close()


class Client:
    """Sends whole requests, each on a connection that is free; opens as many as it takes."""

    def __init__(self, port: int) -> None:
        """Send to this port here."""
        self._port = port
        self._idle: list[_Connection] = []

    async def send(self, request: bytes) -> Answer:
        """The answer to a request.

        Raises:
            OSError: the server can't be reached or closed the connection.
        """
        connection = self._free() or await self._connect()
        answer = await connection.send(request)
        self._idle.append(connection)
        return answer

    def _free(self) -> _Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_fresh():
                return connection
            connection.close()
        return None

    async def _connect(self) -> _Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(_Connection, "127.0.0.1", self._port)
        return connection

    def close(self) -> None:
        """Close the connections; nothing may be under way."""
        for connection in self._idle:
            connection.close()
        self._idle.clear()


@asynccontextmanager
async def client(port: int) -> AsyncGenerator[Client]:
    """A client of the server on this port."""
    one = Client(port)
    try:
        yield one
    finally:
        one.close()


async def paced(
    rate: float, do: Callable[[int], Awaitable[T]], more: Callable[[float], bool]
) -> list[T]:
    """Begin `do` so many times a second, whether what was begun before is done or not.

    It goes on while `more`, asked with the seconds since the beginning, says so.
    """
    tasks: list[asyncio.Future[T]] = []
    begin = time.perf_counter()
    while more(time.perf_counter() - begin):
        await asyncio.sleep(max(0.0, begin + len(tasks) / rate - time.perf_counter()))
        tasks.append(asyncio.ensure_future(do(len(tasks))))
    return await asyncio.gather(*tasks)

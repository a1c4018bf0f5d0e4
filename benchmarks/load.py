"""A load generator for HTTP/1.1: so many connections, each sends its next request when answered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

MakeRequest = Callable[[int], bytes]
"""The whole bytes of the request of that number."""


@dataclass
class Result:
    """What came of a run. Latencies are in seconds."""

    seconds: float = 0.0
    statuses: dict[int, int] = field(default_factory=dict)
    latencies: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """The latency that this share of the requests stayed within."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class _Connection(asyncio.Protocol):
    def __init__(self, run: _Run) -> None:
        self._run = run
        self._buffer = b""
        self._sent = 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are no subclass
        self._next()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._buffer[:end].lower()
        at = head.index(b"content-length:") + 15
        length = int(head[at:].split(b"\r\n", 1)[0])
        if len(self._buffer) < end + 4 + length:
            return
        self._run.answered(int(head[9:12]), time.perf_counter() - self._sent)
        self._buffer = b""
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        self._run.closed(exc)

    def _next(self) -> None:
        assert self._transport is not None
        request = self._run.next_request()
        if request is None:
            self._transport.close()
            return
        self._sent = time.perf_counter()
        self._transport.write(request)


class _Run:
    def __init__(self, make: MakeRequest, first: int, seconds: float, connections: int) -> None:
        self.result = Result()
        self.number = first
        self._make = make
        self._open = connections
        self._done = asyncio.get_running_loop().create_future()
        self._begin = time.perf_counter()
        self._until = self._begin + seconds

    def next_request(self) -> bytes | None:
        if time.perf_counter() >= self._until:
            return None
        self.number += 1
        return self._make(self.number)

    def answered(self, status: int, latency: float) -> None:
        self.result.statuses[status] = self.result.statuses.get(status, 0) + 1
        self.result.latencies.append(latency)

    def closed(self, error: Exception | None) -> None:
        self._open -= 1
        if error is not None and not self._done.done():
            self._done.set_exception(error)
        if self._open == 0 and not self._done.done():
            self.result.seconds = time.perf_counter() - self._begin
            self._done.set_result(None)

    async def finish(self) -> Result:
        await self._done
        return self.result


async def load(
    port: int, make: MakeRequest, *, seconds: float, connections: int = 64, first: int = 0
) -> Result:
    """Keep `connections` busy for so many seconds."""
    loop = asyncio.get_running_loop()
    run = _Run(make, first, seconds, connections)
    for _ in range(connections):
        await loop.create_connection(lambda: _Connection(run), "127.0.0.1", port)
    return await run.finish()

"""Stands between a client and Elasticsearch: counts requests, refuses some, loses answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

_HEADERS = ("content-type", "x-elastic-product")
_TOO_MANY = {"type": "es_rejected_execution_exception", "reason": "full"}


@dataclass
class Proxy:
    """Lets everything through until told otherwise; all it is told, it does once."""

    url: str = ""
    requests: list[str] = field(default_factory=list)
    """Method and path of each request."""
    refuse: list[int] = field(default_factory=list)
    """Answer the next requests with these instead of forwarding them."""
    lose_answer: Callable[[str], bool] = lambda request: False
    """Whether to close the connection instead of giving the answer to this request."""
    refuse_item: Callable[[str, int], int | None] = lambda key, number: None
    """The status of a bulk's item, by its id and how often it was sent; None: as it is."""
    answering: asyncio.Event = field(default_factory=asyncio.Event)
    """Unless this is set, requests are accepted and nothing is said."""
    bulks: list[list[str]] = field(default_factory=list)
    """The ids in each bulk."""

    async def forward(self, session: aiohttp.ClientSession, target: str, request: web.Request):
        name = f"{request.method} {request.path}"
        self.requests.append(name)
        await self.answering.wait()
        if self.refuse:
            status = self.refuse.pop(0)
            body = {"error": {"type": "busy", "reason": "busy"}, "status": status}
            headers = {"X-Elastic-Product": "Elasticsearch"}
            return web.json_response(body, status=status, headers=headers)
        body, refused = await request.read(), {}
        if request.path.endswith("/_bulk"):
            body, refused = self._take_out(body)
        headers = {k: v for k, v in request.headers.items() if k in ("Content-Type", "Accept")}
        async with session.request(
            request.method, f"{target}{request.path_qs}", data=body or None, headers=headers
        ) as answer:
            content = await answer.read()
        if refused:
            items = [] if not body else json.loads(content)["items"]
            for at, status in refused.items():
                items.insert(at, {"index": {"status": status, "error": _TOO_MANY}})
            content = json.dumps({"items": items}).encode()
        if self.lose_answer(name):
            self.lose_answer = lambda request: False
            request.transport.close()
        kept = {k: v for k, v in answer.headers.items() if k.lower() in _HEADERS}
        status = 200 if refused else answer.status
        return web.Response(body=content, status=status, headers=kept)

    def _take_out(self, body: bytes) -> tuple[bytes, dict[int, int]]:
        lines = body.splitlines()
        pairs = list(zip(lines[::2], lines[1::2], strict=True))
        ids = [next(iter(json.loads(action).values()))["_id"] for action, _ in pairs]
        refused: dict[int, int] = {}
        for at, id_ in enumerate(ids):
            status = self.refuse_item(id_, sum(id_ in bulk for bulk in self.bulks))
            if status is not None:
                refused[at] = status
        self.bulks.append(ids)
        left = [b"\n".join(pair) + b"\n" for at, pair in enumerate(pairs) if at not in refused]
        return b"".join(left), refused


@asynccontextmanager
async def proxy_for(target: str) -> AsyncGenerator[Proxy]:
    """A proxy on a port of its own."""
    proxy = Proxy()
    proxy.answering.set()
    async with aiohttp.ClientSession(auto_decompress=True) as session:

        async def handle(request: web.Request) -> web.StreamResponse:
            return await proxy.forward(session, target, request)

        app = web.Application(client_max_size=2**30)
        app.router.add_route("*", "/{path:.*}", handle)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        proxy.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield proxy
        finally:
            proxy.answering.set()
            await runner.cleanup()

"""Connections that are kept open: a lean client where thousands of requests are made."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from contracts.values import Role
from tests.end_to_end.system import System

_Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True)
class Answer:
    """What a request was answered; names of headers are in lower case."""

    status_code: int
    headers: Mapping[str, str]
    text: str

    def json(self) -> Any:
        return json.loads(self.text)


class Connection:
    """Sends one request after the other."""

    def __init__(self, queries: _Stream, commands: _Stream, token: str) -> None:
        self._queries, self._commands = queries, commands
        self._always = f"Host: orderlog\r\nAuthorization: Bearer {token}\r\n"

    async def get(self, path: str, headers: Mapping[str, str], **parameters: object) -> Answer:
        query = f"?{urlencode(parameters)}" if parameters else ""
        return await self._ask(self._queries, f"GET {path}{query}", headers, b"")

    async def post(self, path: str, body: object) -> Answer:
        headers = {"Content-Type": "application/json"}
        return await self._ask(self._commands, f"POST {path}", headers, json.dumps(body).encode())

    async def _ask(self, to: _Stream, line: str, headers: Mapping[str, str], body: bytes) -> Answer:
        reader, writer = to
        given = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"{line} HTTP/1.1\r\n{self._always}{given}Content-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()[:-1]
        answered = {name.lower(): value for name, value in (one.split(": ", 1) for one in lines)}
        text = await reader.readexactly(int(answered["content-length"]))
        return Answer(int(status.split()[1]), answered, text.decode())


@asynccontextmanager
async def connected(system: System, role: Role, user_id: str) -> AsyncIterator[Connection]:
    """A connection of somebody, to each API."""
    queries, commands = [
        await asyncio.open_connection(url.hostname, url.port)
        for url in map(urlsplit, (system.query_url, system.base_url))
    ]
    try:
        yield Connection(queries, commands, system.token(role, user_id))
    finally:
        for _, writer in (queries, commands):
            writer.close()
            await writer.wait_closed()

"""One connection that is kept open: a lean client where thousands of requests are made."""

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

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, token: str
    ) -> None:
        self._reader, self._writer = reader, writer
        self._always = f"Host: orderlog\r\nAuthorization: Bearer {token}\r\n"

    async def get(self, path: str, headers: Mapping[str, str], **parameters: object) -> Answer:
        query = f"?{urlencode(parameters)}" if parameters else ""
        return await self._ask(f"GET {path}{query}", headers, b"")

    async def post(self, path: str, body: object) -> Answer:
        headers = {"Content-Type": "application/json"}
        return await self._ask(f"POST {path}", headers, json.dumps(body).encode())

    async def _ask(self, line: str, headers: Mapping[str, str], body: bytes) -> Answer:
        given = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"{line} HTTP/1.1\r\n{self._always}{given}Content-Length: {len(body)}\r\n\r\n"
        self._writer.write(head.encode() + body)
        status, *lines = (await self._reader.readuntil(b"\r\n\r\n")).decode().splitlines()[:-1]
        answered = {name.lower(): value for name, value in (one.split(": ", 1) for one in lines)}
        text = await self._reader.readexactly(int(answered["content-length"]))
        return Answer(int(status.split()[1]), answered, text.decode())


@asynccontextmanager
async def connected(system: System, role: Role, user_id: str) -> AsyncIterator[Connection]:
    """A connection of somebody."""
    url = urlsplit(system.base_url)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    try:
        yield Connection(reader, writer, system.token(role, user_id))
    finally:
        writer.close()
        await writer.wait_closed()

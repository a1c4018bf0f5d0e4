"""Bulks: every item's answer is looked at, and what was refused for now is sent again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import msgspec
from elasticsearch import NotFoundError

from read_side.elasticsearch.kept import IndexMissing
from read_side.elasticsearch.server import WRITE_SECONDS, NotNow, Server
from read_side.port import DocumentRefused, ReadStoreError, ReadStoreUnavailable

_MOST_BYTES = 1_000_000
"""Of one request: much more is no faster, and the client sends it in one piece, while nothing else
happens in the process."""
_AT_ONCE = 4
_OK = range(200, 300)
_BAD, _MISSING, _CONFLICT, _TOO_MANY = 400, 404, 409, 429
_OUTDATED = "strict_dynamic_mapping_exception"
_encode = msgspec.json.encode


@dataclass(frozen=True, slots=True)
class Item:
    """One document to write."""

    key: str
    action: bytes
    source: bytes

    @property
    def size(self) -> int:
        """How many bytes are sent."""
        return len(self.action) + len(self.source)


def action(operation: str, id_: str, **others: str | int) -> bytes:
    """The line before a document."""
    return _encode({operation: {"_id": id_, **others}})


def runs(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """The items in runs that are small enough for one request."""
    run: list[Item] = []
    size = 0
    for item in items:
        if run and size + item.size > _MOST_BYTES:
            yield run
            run, size = [], 0
        run.append(item)
        size += item.size
    if run:
        yield run


async def send_all(server: Server, index: str, items: Sequence[Item]) -> Sequence[str]:
    """Write documents in as many requests as they need; see `send`."""
    turn = asyncio.Semaphore(_AT_ONCE)

    async def in_turn(run: Sequence[Item]) -> Sequence[str]:
        async with turn:
            return await send(server, index, run)

    found = await asyncio.gather(*map(in_turn, runs(items)), return_exceptions=True)
    conflicts: list[str] = []
    for one in found:
        if isinstance(one, BaseException):
            raise one
        conflicts += one
    return conflicts


async def send(server: Server, index: str, items: Sequence[Item]) -> Sequence[str]:
    """Write documents in one request; gives the keys of those in conflict.

    Raises:
        IndexMissing: nothing was written.
        DocumentRefused: the server found what we did not.
        ReadStoreUnavailable: some of them may be written.
    """
    conflicts: list[str] = []
    pending = items

    async def attempt() -> None:
        nonlocal pending
        answers = await _answers(server, index, pending)
        later: list[Item] = []
        why = ""
        for item, answer in zip(pending, answers, strict=True):
            status: int = answer["status"]
            if status in _OK:
                continue
            if status == _CONFLICT:
                conflicts.append(item.key)
            elif _is_passing(server, index, item, status, answer["error"]):
                later.append(item)
                why = str(answer["error"]["reason"])
        pending = later
        if pending:
            raise NotNow(why)

    try:
        await server.patiently(attempt, expected=(NotFoundError,), seconds=WRITE_SECONDS)
    except NotFoundError as error:
        raise IndexMissing(index) from error
    return conflicts


async def _answers(server: Server, index: str, items: Sequence[Item]) -> Sequence[Any]:
    lines = [line for item in items for line in (item.action, item.source)]
    answer = await server.client.bulk(
        index=index,
        operations=cast("Any", lines),
        filter_path=["items.*.status", "items.*.error"],
    )
    return [result for one in answer["items"] for result in one.values()]


def _is_passing(server: Server, index: str, item: Item, status: int, error: Any) -> bool:
    """Whether it can be sent again."""
    if status == _MISSING:
        raise IndexMissing(index)
    if status == _BAD and error["type"] == _OUTDATED:
        raise ReadStoreUnavailable(f"Elasticsearch: {index} is another one now")
    if status == _BAD:
        raise DocumentRefused(item.key, _cause(error))
    if status == _TOO_MANY:
        server.rejections += 1
    elif status < 500:
        raise ReadStoreError(f"Elasticsearch: {status} {_cause(error)}")
    return True


def _cause(error: Any) -> str:
    cause = error.get("caused_by", {}).get("reason")
    return f"{error['reason']}{f': {cause}' if cause else ''}"

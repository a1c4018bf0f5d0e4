"""Rebuilding `order_details` with one process and with two: into Elasticsearch, and into SQLite."""

from __future__ import annotations

import asyncio
import os
import resource
import statistics
import tempfile
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from uuid import uuid4

import httpx
import uvloop
from pydantic import SecretStr

from benchmarks.eventstoredb import server
from benchmarks.rebuild import fill
from benchmarks.services import servers
from bootstrap.event_stores import open_event_store
from bootstrap.read_stores import open_read_store
from bootstrap.replay_processes import in_processes
from bootstrap.settings import Settings
from event_store.port import EventStore, NewEvent, RecordedEvent, StreamState
from projections.catalogue import PROJECTORS
from projections.rebuild import Outcome, Rebuilder
from read_side.rebuild_port import WholeReadStore

EVENTS = int(os.environ.get("BENCH_EVENTS", "100000"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
PROCESSES = (1, 2)
_PROJECTOR = PROJECTORS["order_details"]
_PAGE, _AT_ONCE = 10_000, 200


async def _copy(path: Path, uri: str) -> None:
    """Append the events of this file to a server, stream by stream."""
    source = await open_event_store(Settings(data=path))
    target = await open_event_store(Settings(data=path, event_store=SecretStr(uri)))
    streams: dict[str, list[RecordedEvent]] = {}
    page = await source.read_all(limit=10 * EVENTS)
    for event in page.events:
        streams.setdefault(event.stream, []).append(event)
    waiting = list(streams.items())

    async def append(stream: str, events: list[RecordedEvent]) -> None:
        new = [NewEvent(it.id, it.type, it.data, it.metadata) for it in events]
        await target.append(stream, new, expected=StreamState.NO_STREAM)

    for first in range(0, len(waiting), _AT_ONCE):
        await asyncio.gather(*(append(*one) for one in waiting[first : first + _AT_ONCE]))
    await source.close()
    await target.close()


def _clean(url: str, prefix: str) -> None:
    """Leave nothing on the server."""
    with httpx.Client(base_url=url) as client:
        for kind in ("_resolve/index", "_index_template"):
            listed = client.get(f"/{kind}/{prefix}*").json()
            for one in listed.get("indices", listed.get("index_templates", ())):
                path = "" if kind == "_resolve/index" else f"{kind}/"
                client.delete(f"/{path}{one['name']}").raise_for_status()


@asynccontextmanager
async def _stores(settings: Settings) -> AsyncGenerator[tuple[EventStore, WholeReadStore]]:
    events, documents = await open_event_store(settings), await open_read_store(settings)
    try:
        yield events, documents
    finally:
        for one in await documents.generations(_PROJECTOR.name):
            if one.state != "active":
                await documents.drop(one)
        await documents.close()
        await events.close()


def _processor() -> float:
    """Seconds of processor time, of this process and of those that it started and that ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


async def _rebuild(settings: Settings, processes: int) -> tuple[Outcome, float]:
    """An outcome that was compared with what was there before, and processor time."""
    before = _processor()
    async with _stores(settings) as (events, documents):

        async def count(_: object) -> int:
            return EVENTS

        rebuilder = Rebuilder(
            events,
            documents,
            count,
            own=lambda: True,
            in_shares=in_processes(settings, processes),
        )
        outcome = await rebuilder.rebuild(_PROJECTOR)
    if outcome.comparison is not None and outcome.comparison.differing:
        raise SystemExit(f"what was built is not what was there: {outcome.comparison}")
    return outcome, _processor() - before


async def _measure(settings: Settings, name: str, processes: tuple[int, ...]) -> list[str]:
    """Rows of the table; rounds in turn, the first of which is not counted."""
    made: dict[int, list[tuple[Outcome, float]]] = {number: [] for number in processes}
    for round_ in range(ROUNDS + 1):
        for number in processes:
            done = await _rebuild(settings, number)
            if round_:
                made[number].append(done)
    rows: list[str] = []
    for number, outcomes in made.items():
        rates = sorted(it.events / it.replay_seconds for it, _ in outcomes)
        used = statistics.median(processor / it.events for it, processor in outcomes)
        rows.append(
            f"| {name} | {number} | {statistics.median(rates):,.0f}"
            f" ({rates[0]:,.0f}-{rates[-1]:,.0f}) | {used * 1e6:.0f} µs |"
        )
    return rows


async def _all(url: str) -> list[str]:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        await fill(folder / "events.db", EVENTS)
        own = Settings(data=folder)
        rows = await _measure(own, "SQLite to SQLite", (1,))
        prefix = f"benchmark-{uuid4().hex[:8]}"
        stack.callback(_clean, url, prefix)
        into = own.model_copy(update={"read_store": SecretStr(url), "index_prefix": prefix})
        rows += await _measure(into, "SQLite to Elasticsearch", PROCESSES)
        uri = await stack.enter_async_context(server(folder / "server"))
        await _copy(folder, uri)
        both = into.model_copy(
            update={"event_store": SecretStr(uri), "index_prefix": f"{prefix}-esdb"}
        )
        rows += await _measure(both, "development server to Elasticsearch", PROCESSES)
    return rows


def run() -> str:
    """Measure, and say it as a table of Markdown."""
    with servers("elasticsearch") as (url,):
        rows = uvloop.run(_all(url))
    lines = [
        f"| {EVENTS:,} events | processes | events/s replayed | our processor, an event |",
        "|---|---|---|---|",
        *rows,
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    print(run())

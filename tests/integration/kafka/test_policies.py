"""Policies in several processes, fed by the relay through Kafka, killed and stopped in turn."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from contracts.registry import id_of
from event_store.kafka.relay import Relay
from event_store.port import StreamState
from event_store.sqlite import SqliteEventStore
from tests.contract.event_store.support import some
from tests.integration.kafka.feeding import Feeding, feeding

ORDERS = [f"order-{n}" for n in range(12)]
ADDRESSES = [f"email-{n}" for n in range(3)]


class Processes:
    """Process managers."""

    def __init__(self, fed: Feeding, file: Path, folder: Path) -> None:
        self._command = [sys.executable, "-m", "tests.integration.kafka.policy_process"]
        self._command += [fed.servers, fed.topics.prefix, str(fed.topics.partitions), str(file)]
        self._folder = folder
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str) -> None:
        with (self._folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                [*self._command, name], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def end(self, name: str, how: int) -> int:
        process = self.running.pop(name)
        process.send_signal(how)
        return process.wait(30)


class World:
    def __init__(self, store: SqliteEventStore, processes: Processes) -> None:
        self.store = store
        self.processes = processes
        self.recorded = 0

    async def record(self, rounds: int = 1) -> None:
        for _ in range(rounds):
            for stream in (*ORDERS, *ADDRESSES):
                await self.store.append(stream, some(1), expected=StreamState.ANY)
            self.recorded += 1

    @asynccontextmanager
    async def recording(self) -> AsyncGenerator[None]:
        """Keep recording for as long as this lasts."""

        async def record() -> None:
            while not enough.is_set():
                await self.record()
                await asyncio.sleep(0.05)

        enough = asyncio.Event()
        task = asyncio.create_task(record())
        yield
        enough.set()
        await task

    async def effects_by(self, name: str) -> None:
        """Return when this process has handled something in both ways."""
        async with asyncio.timeout(60):
            while True:
                by = {it: await self._effects(it) for it in (*ORDERS, *ADDRESSES)}
                if any(name in by[it] for it in ORDERS) and any(name in by[it] for it in ADDRESSES):
                    return
                await asyncio.sleep(0.1)

    async def done(self) -> dict[str, list[str]]:
        """By whom the effects of each stream were made, when all are."""
        async with asyncio.timeout(60):
            while True:
                by = {it: await self._effects(it) for it in (*ORDERS, *ADDRESSES)}
                if all(len(them) >= self.recorded for them in by.values()):
                    return by
                await asyncio.sleep(0.1)

    async def _effects(self, stream: str) -> list[str]:
        category = "effect" if stream in ORDERS else "secret"
        events = await self.store.read_stream(f"{category}-{id_of(stream)}")
        data = [json.loads(event.data) for event in events]
        assert [it["version"] for it in data] == list(range(len(data)))
        return [it["by"] for it in data]


@pytest.fixture
async def fed(kafka: str) -> AsyncGenerator[Feeding]:
    async with feeding(kafka) as it:
        yield it


@pytest.fixture
def processes(fed: Feeding, tmp_path: Path) -> Iterator[Processes]:
    it = Processes(fed, tmp_path / "events.db", tmp_path)
    yield it
    for process in it.running.values():
        process.kill()
        process.wait()


@pytest.fixture
async def world(fed: Feeding, processes: Processes, tmp_path: Path) -> AsyncGenerator[World]:
    store = await SqliteEventStore.open(tmp_path / "events.db")
    relay = asyncio.create_task(Relay(store, fed.servers, fed.topics).run())
    yield World(store, processes)
    relay.cancel()
    with suppress(asyncio.CancelledError):
        await relay
    await store.close()


async def test_effects_once_whoever_is_killed_or_stopped(world: World) -> None:
    await world.record(3)
    world.processes.start("one")
    await world.done()
    async with world.recording():
        world.processes.start("two")
        await asyncio.sleep(4)
        assert world.processes.end("one", signal.SIGKILL) == -signal.SIGKILL
        await world.effects_by("two")
    await world.done()
    async with world.recording():
        world.processes.start("three")
        await asyncio.sleep(3)
        assert world.processes.end("two", signal.SIGTERM) == 0
        await world.effects_by("three")
    by = await world.done()
    counts = {stream: len(them) for stream, them in by.items()}
    assert set(counts.values()) == {world.recorded}
    assert not await world.store.parked()
    assert world.processes.end("three", signal.SIGTERM) == 0

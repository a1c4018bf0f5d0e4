"""The feed under Faust's own command."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import pytest

from tests.integration.kafka.feeding import Feeding, feeding
from tests.integration.kafka.sink import Seen


@pytest.fixture
async def fed(kafka: str) -> AsyncGenerator[Feeding]:
    async with feeding(kafka) as it:
        yield it


class Command:
    """`faust -A ... worker` in an empty folder."""

    def __init__(self, fed: Feeding, folder: Path) -> None:
        self._fed = fed
        self._folder = folder / "here"
        self._folder.mkdir()
        self._log = folder / "faust.log"
        self.file = folder / "sink.db"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, fail_at: int = 0) -> None:
        it = self._fed
        fed = (it.servers, it.topics.prefix, it.topics.partitions, it.group, self.file, "faust")
        environment = {
            **os.environ,
            "FED": "|".join(map(str, (*fed, fail_at))),
            "PYTHONPATH": str(Path.cwd()),
        }
        faust = [sys.executable, "-m", "faust", "-A", "tests.integration.kafka.faust_module"]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [*faust, "worker", "-l", "info"],
                cwd=self._folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    async def ended(self) -> int:
        assert self.process is not None
        return await asyncio.to_thread(self.process.wait, 20)

    def litter(self) -> list[str]:
        return [it.name for it in self._folder.iterdir()]

    def log(self) -> str:
        return self._log.read_text()


@pytest.fixture
def command(fed: Feeding, tmp_path: Path) -> Iterator[Command]:
    it = Command(fed, tmp_path)
    yield it
    if it.process is not None and it.process.poll() is None:
        it.process.kill()
        it.process.wait()


async def test_stopped_then_it_ends_well_and_leaves_nothing(fed: Feeding, command: Command) -> None:
    seen = Seen(command.file)
    fed.publish(200)
    command.start()
    await seen.until(lambda: set(fed.ids) <= set(seen.handled()))
    assert command.process is not None
    command.process.send_signal(signal.SIGTERM)
    assert await command.ended() == 0, command.log()
    assert command.litter() == []
    assert seen.owned("faust") == frozenset()
    # What was handled is committed: the next one is given nothing again.
    fed.publish(1)
    command.start()
    await seen.until(lambda: set(fed.ids) <= set(seen.handled()))
    assert len(seen.deliveries()) == 201


async def test_sink_breaks_then_it_ends_with_an_error(fed: Feeding, command: Command) -> None:
    seen = Seen(command.file)
    command.start(fail_at=1)
    await seen.until(lambda: seen.owned("faust"))
    fed.publish(200)
    assert await command.ended() != 0
    assert "the sink broke" in command.log()
    command.start()
    await seen.until(lambda: set(fed.ids) <= set(seen.handled()))


async def test_without_kafka_then_it_waits_and_can_be_stopped(
    tmp_path: Path, unused_tcp_port: int
) -> None:
    from event_store.kafka.topics import Topics

    nowhere = Feeding(f"127.0.0.1:{unused_tcp_port}", Topics("nowhere-", 3), "nowhere")
    command = Command(nowhere, tmp_path)
    command.start()
    async with asyncio.timeout(30):
        while "waiting for Kafka" not in command.log():  # noqa: ASYNC110 - another process's log
            await asyncio.sleep(0.1)
    assert command.process is not None
    command.process.send_signal(signal.SIGTERM)
    try:
        assert await command.ended() == 0, command.log()
    finally:
        command.process.kill()

"""Relays are killed and driven out: readers of committed records see each event once."""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from event_store.kafka.marks import last_mark
from event_store.kafka.relay import Relay
from event_store.kafka.topics import Topics
from event_store.port import WholeEventStore
from event_store.tasks import stop
from tests.contract.event_store.support import some
from tests.integration.kafka.relaying import (
    appending,
    assert_all_once,
    own_topics,
    running,
    until,
    until_published,
)
from tests.support.eventstoredb import free_port
from tests.support.stores import opened

KILLS = 8
TAKEOVER = 1.5


@pytest.fixture
async def topics(kafka: str) -> AsyncIterator[Topics]:
    async with own_topics(kafka) as made:
        yield made


@pytest.fixture
def address(tmp_path: Path) -> str:
    return str(tmp_path / "events.db")


@pytest.fixture
async def store(address: str) -> AsyncIterator[WholeEventStore]:
    async with opened(address) as it:
        yield it


@asynccontextmanager
async def relay_process(
    address: str, kafka: str, topics: Topics, takeover: float = TAKEOVER
) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.integration.kafka.relay_process"),
        *(address, kafka, topics.prefix, str(takeover)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def until_says(process: asyncio.subprocess.Process, line: bytes) -> None:
    assert process.stdout is not None
    async with asyncio.timeout(30):
        while (said := await process.stdout.readline()) != line:
            assert said, "the process has ended"


async def test_relay_when_killed_at_any_moment_then_each_event_is_there_once(
    kafka: str, topics: Topics, store: WholeEventStore, address: str
):
    async with appending(store):
        for _ in range(KILLS):
            async with relay_process(address, kafka, topics) as process:
                await until_says(process, b"leads\n")
                # Not to wait for something, but to kill it in the middle of anything.
                await asyncio.sleep(random.uniform(0, 0.25))
                process.kill()
    async with running(Relay(store, kafka, topics)):
        await until_published(kafka, topics, store)
    await assert_all_once(kafka, topics, store)


async def test_leading_relay_when_killed_then_the_one_that_stands_by_takes_over(
    kafka: str, topics: Topics, store: WholeEventStore, address: str
):
    async with appending(store), relay_process(address, kafka, topics) as first:
        await until_says(first, b"leads\n")
        async with relay_process(address, kafka, topics) as second:
            await until_says(second, b"leads\n")
            leads, stands_by = await which(first, second)
            leads.kill()
            await until_says(stands_by, b"leads\n")
            await store.append("order-last", some(1), expected=-1)
            await until_published(kafka, topics, store)
    async with running(Relay(store, kafka, topics)):
        await until_published(kafka, topics, store)
    await assert_all_once(kafka, topics, store)


async def which(
    first: asyncio.subprocess.Process, second: asyncio.subprocess.Process
) -> tuple[asyncio.subprocess.Process, asyncio.subprocess.Process]:
    """The one that leads after both have for a moment, and the other."""
    driven_out = [
        asyncio.create_task(until_says(process, b"does not lead\n")) for process in (first, second)
    ]
    done, left = await asyncio.wait(driven_out, return_when=asyncio.FIRST_COMPLETED)
    await stop(*left)
    assert len(done) == 1
    return (second, first) if driven_out[0] in done else (first, second)


async def test_relays_when_started_together_then_one_leads_and_stays_the_one(
    kafka: str, topics: Topics, store: WholeEventStore
):
    relays = [Relay(store, kafka, topics, takeover=TAKEOVER) for _ in range(3)]
    async with appending(store), running(*relays):
        await until(lambda: sorted(it.stands_by - it.active for it in relays) == [-1, 1, 1])
        (leader,) = [relay for relay in relays if relay.active]
        await until_led_by(leader, kafka, topics)
        # Longer than it takes one that stands by to think that nobody leads.
        for _ in range(40):
            await asyncio.sleep(TAKEOVER / 10)
            assert [relay for relay in relays if relay.active] == [leader]
            assert (await last_mark(kafka, topics)).relay == leader.name
    async with running(Relay(store, kafka, topics)):
        await until_published(kafka, topics, store)
    await assert_all_once(kafka, topics, store)


async def test_leading_relay_when_another_starts_then_it_stands_by_and_later_leads_again(
    kafka: str, topics: Topics, store: WholeEventStore
):
    old, new = (Relay(store, kafka, topics, takeover=TAKEOVER) for _ in range(2))
    async with appending(store), running(old):
        await until_led_by(old, kafka, topics)
        async with running(new):
            await until_led_by(new, kafka, topics)
            await until(lambda: old.stands_by)
            assert old.error is None
        await until_led_by(old, kafka, topics)
    async with running(old):
        await until_published(kafka, topics, store)
    await assert_all_once(kafka, topics, store)


async def until_led_by(relay: Relay, kafka: str, topics: Topics) -> None:
    async with asyncio.timeout(20):
        while not (it := await last_mark(kafka, topics)) or it.relay != relay.name:
            pass


async def test_relays_when_started_while_the_event_store_is_away_then_neither_says_it_publishes(
    kafka: str, topics: Topics
):
    async with opened(f"esdb://127.0.0.1:{free_port()}?Tls=false") as away:
        relays = [Relay(away, kafka, topics, takeover=TAKEOVER) for _ in range(2)]
        async with running(*relays):
            await until(lambda: all(it.error is not None for it in relays))
            assert not any(it.active for it in relays)
            assert all("the event store can't be read" in it.error for it in relays)

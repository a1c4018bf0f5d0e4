"""A migration that was killed goes on when it is begun again."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import Callable, Generator
from contextlib import aclosing, contextmanager
from pathlib import Path

import pytest

from event_store.errors import AppendOutcomeUnknown, EventStoreUnavailable
from event_store.migration import Watch
from tests.contract.event_store.support import page_through, some
from tests.integration.migration.conftest import Installation
from tests.integration.migration.migrating_process import PAGE
from tests.support.cli import ORDERLOG, ROOT
from tests.support.eventstoredb import DevelopmentServer

MORE = 300


async def killed(shop: Installation, target: str, step: str, number: int) -> None:
    """A migration that does not live longer than this."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.integration.migration.migrating_process"),
        *(str(shop.data), shop.uri or "", target, step, str(number)),
        cwd=ROOT,
    )
    assert await process.wait() == -signal.SIGKILL


def killing(server: DevelopmentServer, number: int) -> Watch:
    """Kills the server when so many events are moved."""

    @contextmanager
    def watch(step: str, _total: int | None) -> Generator[Callable[[int], None]]:
        moved = 0

        def progress(more: int) -> None:
            nonlocal moved
            moved += more
            if step == "moving" and moved >= number:
                server.kill()

        yield progress

    return watch


async def count(at: Installation) -> int:
    async with at.events() as store:
        return len(await page_through(store, after=None, limit=2000))


async def add_small_appends(shop: Installation) -> None:
    async with shop.events() as source:
        for number in range(MORE):
            events, stream = some(1 + number % 3), f"many-{number % 7}"
            version = await source.stream_version(stream)
            await source.append(stream, events, expected=version)


async def assert_equal_there_and_back(shop: Installation, uri: str, other: Installation) -> None:
    await shop.on(uri).migrate(f"sqlite:{other.file}")
    assert other.rows() == shop.rows()


async def test_killed_at_any_event_it_goes_on_in_eventstoredb(
    shop: Installation, other: Installation, uri: str
):
    """By somebody else, wherever it is just then."""
    await add_small_appends(shop)
    total = len(shop.rows())
    there = 0
    for least in (1, total // 2):
        process = await asyncio.create_subprocess_exec(
            *(ORDERLOG, "migrate", "--to", uri),
            env={**os.environ, "ORDERLOG_DATA": str(shop.data)},
            stdout=asyncio.subprocess.DEVNULL,
        )
        async with shop.on(uri).events() as target, asyncio.timeout(60):
            seen = 0
            async with aclosing(target.subscribe()) as deliveries:
                async for delivery in deliveries:
                    seen += len(delivery.events)
                    if seen >= least:
                        break
        process.kill()
        assert await process.wait() == -signal.SIGKILL
        there = await count(shop.on(uri))
        assert least <= there
    move = await shop.migrate(uri)
    assert move.migrated.already_there == there
    assert move.migrated.history.events == total
    await assert_equal_there_and_back(shop, uri, other)


async def test_killed_in_every_step_it_goes_on_in_a_file(
    shop: Installation, other: Installation, uri: str
):
    async with shop.events() as source:
        await source.append("many-1", some(5 * PAGE), expected=-1)
    await shop.migrate(uri)
    total = len(shop.rows())
    for step, number, there in (
        ("moving", 1, PAGE),
        ("comparing what is there", 1, PAGE),
        ("moving", 3 * PAGE, 3 * PAGE),
        ("checking the target", 1, total),
    ):
        await killed(shop.on(uri), f"sqlite:{other.file}", step, number)
        assert await count(other) == there
    await assert_equal_there_and_back(shop, uri, other)


async def test_what_subscribers_remember_is_there_after_a_kill_before_it_was(
    shop: Installation, uri: str
):
    await killed(shop, uri, "checking the target", 1)
    move = await shop.migrate(uri)
    assert len(move.migrated.checkpoints) == 2
    async with shop.on(uri).events() as target:
        for name, position in move.migrated.checkpoints.items():
            assert await target.load_checkpoint(name) == position


async def test_a_server_that_goes_away_leaves_a_beginning_to_go_on_from(
    shop: Installation, other: Installation, tmp_path: Path
):
    await add_small_appends(shop)
    server = DevelopmentServer(tmp_path / "server")
    server.start()
    try:
        with pytest.raises((EventStoreUnavailable, AppendOutcomeUnknown)) as caught:
            await shop.migrate(server.uri, killing(server, 100))
        said = re.search(r"(\d+) of \d+ events are moved; the same command", str(caught.value))
        server.start()
        move = await shop.migrate(server.uri)
        # The one append whose answer was lost may be there too.
        assert int(said[1]) <= move.migrated.already_there <= int(said[1]) + 3
        await assert_equal_there_and_back(shop, server.uri, other)
    finally:
        server.kill()

"""The server is killed and comes back: subscribers go on by themselves, and see all once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from event_store.errors import EventStoreUnavailable
from tests.integration.eventstoredb.seeing import append, subscribed
from tests.support.eventstoredb import DevelopmentServer
from tests.support.stores import opened


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DevelopmentServer]:
    server = DevelopmentServer(tmp_path / "server")
    server.start()
    yield server
    server.kill()


async def test_killed_and_started_again_then_subscribers_see_all_once_in_order(
    server: DevelopmentServer,
):
    async with opened(server.uri) as store, subscribed(store) as seen:
        told = [await append(store, number) for number in range(3)]
        await seen.at_least(3)
        for first in (3, 6):
            server.kill()
            with pytest.raises(EventStoreUnavailable):
                await store.check()
            await asyncio.to_thread(server.start)
            told += [await append(store, number) for number in range(first, first + 3)]
            await seen.at_least(len(told))
        assert seen.ids == told


async def test_killed_then_a_subscription_says_that_it_broke(server: DevelopmentServer):
    async with opened(server.uri) as store, aclosing(store.subscribe()) as deliveries:
        assert (await anext(deliveries)).caught_up
        coming = asyncio.ensure_future(anext(deliveries))
        server.kill()
        with pytest.raises(EventStoreUnavailable):
            await asyncio.wait_for(coming, 10)

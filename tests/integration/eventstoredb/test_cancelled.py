"""Who is cancelled ends, whatever the client library makes of that."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from pathlib import Path

import pytest
from esdbclient.exceptions import CancelledByClient

from event_store.eventstoredb.client import Client
from tests.integration.eventstoredb.seeing import Seen, append, runner_of
from tests.support.stores import opened, place


class Swallowing:
    """In place of the library's client: asked for a head it waits, and swallows cancellation."""

    def __init__(self, error: Exception | None) -> None:
        self.asked = asyncio.Event()
        self._error = error

    async def read_stream(self, *_: object, **__: object) -> None:
        self.asked.set()
        with suppress(asyncio.CancelledError):
            await asyncio.get_running_loop().create_future()
        if self._error is not None:
            raise self._error
        raise AssertionError("only a cancellation gets here")


@pytest.mark.parametrize("error", [None, CancelledByClient()])
async def test_reading_when_cancelled_and_the_library_swallows_it_then_cancelled(error):
    library = Swallowing(error)
    client = Client(library)
    reading = asyncio.create_task(client.read_stream("order-1", start=0, backwards=False, limit=1))
    await library.asked.wait()
    reading.cancel()
    await asyncio.wait({reading}, timeout=5)
    assert reading.cancelled()


async def test_runner_when_cancelled_at_any_moment_then_it_ends(tmp_path: Path):
    """Of the lost cancellations that this is about there was one in 150."""
    moments = random.Random(7)
    async with place("eventstoredb", tmp_path) as address, opened(address) as store:
        for number in range(150):
            await append(store, number)
            runner = asyncio.create_task(runner_of(store, Seen(), interval=0.01).run())
            await asyncio.sleep(moments.uniform(0, 0.02))
            runner.cancel()
            await asyncio.wait({runner}, timeout=5)
            assert runner.done()

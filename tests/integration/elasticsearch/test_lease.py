"""The right to rebuild, when its holder dies, stalls or finishes."""

from __future__ import annotations

import asyncio
import time

import pytest

from read_side.elasticsearch.lease import _Lease, holding
from read_side.port import ReadStoreUnavailable
from read_side.rebuild_port import RebuildUnderWay

NAME = "order_details"


async def test_right_of_a_process_that_died_is_free_after_the_lease(opened):
    dead, living = await opened(), await opened()
    await _Lease(dead._control, NAME, 1.0).take()
    began = time.monotonic()
    while True:
        try:
            async with living.rebuilding(NAME):
                break
        except RebuildUnderWay:
            assert time.monotonic() - began < 10
            await asyncio.sleep(0.05)
    assert time.monotonic() - began > 0.5


async def test_right_that_is_held_is_renewed(opened):
    one, other = await opened(), await opened()
    async with holding(one._control, NAME, seconds=1.0):
        for _ in range(8):
            await asyncio.sleep(0.25)
            with pytest.raises(RebuildUnderWay):
                async with other.rebuilding(NAME):
                    pass
    async with other.rebuilding(NAME):
        pass


async def test_work_ends_when_another_one_has_the_right(opened):
    """As after a stall: the holder's lease lapsed, and another one took the right."""
    one, other = await opened(), await opened()
    finished = False
    with pytest.raises(ReadStoreUnavailable, match="was lost"):  # noqa: PT012
        async with holding(one._control, NAME, seconds=1.0):
            await one._control.change(f"rebuilding-{NAME}", lambda state: {})
            async with other.rebuilding(NAME):
                await asyncio.sleep(20)
                finished = True
    assert not finished


async def test_errors_of_the_work_are_its_own(opened):
    store = await opened()
    for error in (ZeroDivisionError, TimeoutError):
        with pytest.raises(error):
            async with store.rebuilding(NAME):
                raise error
    async with store.rebuilding(NAME):
        pass

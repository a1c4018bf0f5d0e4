"""The one right to rebuild a projection: a lease that its holder renews and that lapses with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from read_side.elasticsearch.control import Control
from read_side.elasticsearch.kept import State
from read_side.port import ReadStoreUnavailable
from read_side.rebuild_port import RebuildUnderWay

LEASE_SECONDS = 20.0
"""How long the right of a process that died is not free; clocks may differ by less than that."""
_RENEWALS = 8
"""How often it is renewed in that time."""


@asynccontextmanager
async def holding(
    control: Control, projection: str, *, seconds: float = LEASE_SECONDS
) -> AsyncGenerator[None]:
    """Hold the right; what is done with it is cancelled when it can't be renewed in time.

    Raises:
        RebuildUnderWay: it is held already.
        ReadStoreUnavailable: it was lost.
    """
    lease = _Lease(control, projection, seconds)
    await lease.take()
    limit = asyncio.timeout(None)
    try:
        async with limit:
            renewing = asyncio.create_task(lease.keep(limit))
            try:
                yield
            finally:
                renewing.cancel()
                await asyncio.wait([renewing])
    except TimeoutError:
        if limit.expired():
            raise ReadStoreUnavailable(
                f"Elasticsearch: the right to rebuild {projection} was lost: it could not be "
                "renewed in time"
            ) from None
        raise
    finally:
        with suppress(ReadStoreUnavailable):  # Then it lapses.
            await asyncio.shield(lease.give_back())


class _Lease:
    def __init__(self, control: Control, projection: str, seconds: float) -> None:
        self._control = control
        self._projection = projection
        self._seconds = seconds
        self._holder = uuid4().hex

    async def take(self) -> None:
        """Take the right, or renew it.

        Raises:
            RebuildUnderWay: another one has it.
        """
        await self._control.change(f"rebuilding-{self._projection}", self._taken)

    async def keep(self, limit: asyncio.Timeout) -> None:
        """Renew it again and again; end the work when that did not succeed for too long."""
        loop = asyncio.get_running_loop()
        pause = self._seconds / _RENEWALS
        ends = loop.time() + self._seconds
        while True:
            await asyncio.sleep(pause)
            begun = loop.time()
            try:
                async with asyncio.timeout_at(ends):
                    await self.take()
            except RebuildUnderWay:
                break
            except (ReadStoreUnavailable, TimeoutError):
                if loop.time() >= ends - pause:
                    break
            else:
                ends = begun + self._seconds
        limit.reschedule(loop.time())

    async def give_back(self) -> None:
        """Let another one have it."""

        def given(state: State) -> State | None:
            return {} if state.get("holder") == self._holder else None

        await self._control.change(f"rebuilding-{self._projection}", given)

    def _taken(self, state: State) -> State:
        now = datetime.now(UTC)
        mine = not state or state["holder"] == self._holder
        if not mine and datetime.fromisoformat(state["until"]) > now:
            raise _under_way(self._projection)
        until = now + timedelta(seconds=self._seconds)
        return {"holder": self._holder, "until": until.isoformat()}


def _under_way(projection: str) -> RebuildUnderWay:
    return RebuildUnderWay(f"{projection} is being rebuilt or switched by another process")

"""Keeps one projection up to date: minds operators and rebuilds, survives errors."""

from __future__ import annotations

import asyncio
import random
from abc import ABC, abstractmethod
from collections.abc import Container, Coroutine
from dataclasses import dataclass
from typing import Any

import structlog

from event_store.errors import EventStoreUnavailable, InvalidPosition
from event_store.port import EventStore
from projections.engine import Engine, utc_now
from projections.generations import (
    active_of,
    drop_abandoned,
    generation_to_write,
    go_green,
    is_made_by,
)
from projections.projector import AnyProjector
from read_side.port import Generation, ReadStoreUnavailable, UnknownGeneration
from read_side.rebuild_port import RebuildStore

POLL_SECONDS = 0.5
"""How often operators' requests are looked for."""
STOP_SECONDS = 5.0
"""How long stopping waits for the batch at hand."""
FIRST_DELAY = 0.1
LONGEST_DELAY = 10.0
"""Seconds between tries when something fails."""

log = structlog.get_logger(__name__)


class Switched(Exception):
    """Something else is to be followed than what is: another generation, or another store."""


@dataclass(slots=True)
class Session:
    """One generation being followed."""

    engine: Engine
    generation: Generation
    store: str
    """Identity of the event store."""
    serving: bool
    beside: bool = False
    """Whether it is followed for a rebuild, beside the one that serves."""
    caught_up: bool = False
    held_back: bool = False


class Worker(ABC):
    """Keeps one projection up to date in a task of its own; a subclass says whence events come."""

    def __init__(
        self,
        event_store: EventStore,
        projection_store: RebuildStore,
        projector: AnyProjector,
        *,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self.ready = asyncio.Event()
        """Set when all that was recorded has once been shown, or the projection is paused."""
        self._name = projector.name
        self._events = event_store
        self._store = projection_store
        self._projector = projector
        self._poll_seconds = poll_seconds
        self._delay = FIRST_DELAY
        self._unpaused = asyncio.Event()
        self._unpaused.set()
        self._busy = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    def start(self) -> None:
        """Begin to project in the background."""
        if self._task is None:
            self._stopping = False
            self._task = asyncio.create_task(self._run(), name=f"projection {self._name}")

    async def stop(self) -> None:
        """Finish the batch at hand, then stand still.

        A store that hangs is not waited for: what was not finished is done after the next start.
        """
        task, self._task = self._task, None
        if task is None:
            return
        self._stopping = True
        try:
            async with asyncio.timeout(STOP_SECONDS), self._busy:
                task.cancel()
        except TimeoutError:
            log.warning("projection is stopped within a batch", projection=self._name)
            task.cancel()
        while (await asyncio.wait([task], timeout=STOP_SECONDS))[1]:
            task.cancel()  # What it tidies up on its way out may ask the same store.

    @abstractmethod
    async def _follow(self, session: Session) -> None:
        """Bring the session's generation forward until something fails, for as long as it lives."""

    def _owns(self, stream: str) -> bool:
        """Whether parked streams of this name are this worker's to carry requests out for."""
        return True

    async def _generation(self) -> Generation:
        """The generation to bring forward."""
        return await generation_to_write(self._events, self._store, self._projector)

    async def _run(self) -> None:
        while True:
            switched = False
            try:
                await self._session()
            except* (Switched, UnknownGeneration):
                switched = True
            except* (EventStoreUnavailable, ReadStoreUnavailable) as group:
                log.warning(
                    "projection waits: a store does not answer",
                    projection=self._name,
                    errors=[str(error) for error in group.exceptions],
                    again_in=self._delay,
                )
            except* InvalidPosition:
                log.warning(
                    "the event store lacks events that are shown: its end was lost, or an older "
                    "copy took its place; the projection is built anew",
                    projection=self._name,
                )
            except* Exception:  # one projection's trouble must not end the others
                log.exception(
                    "projection failed and starts again",
                    projection=self._name,
                    again_in=self._delay,
                )
            # A group of tasks that fails just then swallows the cancelling.
            if self._stopping:
                return
            if switched:
                continue
            await asyncio.sleep(self._delay * random.uniform(0.5, 1.0))  # noqa: S311 no secret
            self._delay = min(self._delay * 2, LONGEST_DELAY)

    async def _session(self) -> None:
        identity = await self._events.identity()
        await drop_abandoned(self._store, self._name, utc_now())
        generation = await self._generation()
        engine = Engine(self._projector, generation, self._events, self._store)
        session = Session(engine, generation, identity, serving=generation.state == "active")
        async with asyncio.TaskGroup() as group:
            beside = _Beside(group)
            group.create_task(self._mind_operators(session, beside))
            await self._follow(session)

    async def _serve(self, session: Session) -> None:
        if session.serving or not session.caught_up:
            return
        session.serving = await go_green(self._events, self._store, session.generation)
        if not session.serving and not session.held_back:
            session.held_back = True
            log.warning(
                "the new generation waits: retry or discard what is parked in it",
                projection=self._name,
                generation=session.generation.number,
            )

    async def _is_paused(self) -> bool:
        if not await self._store.is_paused(self._name):
            self._unpaused.set()
            return False
        if self._unpaused.is_set():
            log.info("projection is paused", projection=self._name)
            self._unpaused.clear()
            self.ready.set()
        return True

    async def _while_paused(self) -> None:
        if await self._is_paused():
            await self._unpaused.wait()
            log.info("projection goes on", projection=self._name)

    async def _mind_operators(self, session: Session, beside: _Beside) -> None:
        while True:
            await asyncio.sleep(self._poll_seconds)
            if await self._is_paused():
                continue
            async with self._busy:
                await self._mind_rebuilds(session, beside)
                for one in (session, *beside.sessions()):
                    if await one.engine.has_parked():
                        await one.engine.carry_out_requests(self._owns)
                await self._serve(session)

    async def _mind_rebuilds(self, session: Session, beside: _Beside) -> None:
        """Follow what a rebuild has loaded, and what was switched to."""
        rebuilds = await drop_abandoned(self._store, self._name, utc_now())
        listed = {it.generation.number: it for it in rebuilds}
        active = active_of(await self._store.generations(self._name))
        if (
            active is not None
            and active.number != session.generation.number
            and await self._is_ours(active)
        ):
            raise Switched
        beside.keep(listed)
        for number, rebuild in listed.items():
            if number in beside or rebuild.phase == "loading":
                continue
            if await self._is_ours(rebuild.generation):
                generation = rebuild.generation
                engine = Engine(self._projector, generation, self._events, self._store)
                one = Session(engine, generation, session.store, serving=True, beside=True)
                beside.add(one, self._follow_beside(one))

    async def _is_ours(self, generation: Generation) -> bool:
        return await is_made_by(self._events, self._store, self._projector, generation)

    async def _follow_beside(self, session: Session) -> None:
        try:
            await self._follow(session)
        except UnknownGeneration:
            log.info(
                "the rebuild was given up",
                projection=self._name,
                generation=session.generation.number,
            )


class _Beside:
    """The generations that are followed for rebuilds, each in a task of the group."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self._group = group
        self._followed: dict[int, tuple[Session, asyncio.Task[None]]] = {}

    def __contains__(self, number: int) -> bool:
        return number in self._followed

    def sessions(self) -> list[Session]:
        return [session for session, _ in self._followed.values()]

    def add(self, session: Session, following: Coroutine[Any, Any, None]) -> None:
        task = self._group.create_task(following)
        self._followed[session.generation.number] = session, task

    def keep(self, listed: Container[int]) -> None:
        """End those that are not listed any more. None of them is writing now."""
        for number in [number for number in self._followed if number not in listed]:
            self._followed.pop(number)[1].cancel()

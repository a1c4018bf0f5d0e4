"""The services: what each of them is made of."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from bootstrap.command_side import CommandSide, connect_commands
from bootstrap.event_stores import open_event_store
from bootstrap.front import Front
from bootstrap.query_side import connect_queries
from bootstrap.read_stores import open_read_store
from bootstrap.serve import settle_down
from bootstrap.settings import Settings
from bootstrap.waiting import reached, reached_later
from bootstrap.web import command_app, query_app
from event_store.errors import EventStoreError
from event_store.port import WholeEventStore

EVENT_STORE, READ_STORE = "the event store", "the read store"
_ASK_SECONDS = 1.5


async def command_api(settings: Settings, front: Front) -> None:
    """Take commands, until cancelled. Any number of them may run side by side."""
    async with AsyncExitStack() as stack:
        commands = await _commands(settings, front, stack)
        front.open({}, command_app(commands))
        settle_down()
        await asyncio.Event().wait()


async def query_api(settings: Settings, front: Front) -> None:
    """Answer queries from the read store, until cancelled, whatever else is there or not."""
    async with AsyncExitStack() as stack:
        documents = await reached(READ_STORE, lambda: open_read_store(settings), front)
        stack.push_async_callback(documents.close)
        events = await stack.enter_async_context(reached_later(lambda: open_event_store(settings)))
        queries = connect_queries(settings, events, documents)
        stack.push_async_callback(queries.projections.close)
        front.open({}, query_app(queries, event_store=said_of(events)))
        settle_down()
        await asyncio.Event().wait()


def said_of(events: WholeEventStore) -> Callable[[], Awaitable[str]]:
    """Says whether the event store is there; it is no trouble when it is not."""

    async def say() -> str:
        try:
            async with asyncio.timeout(_ASK_SECONDS):
                await events.head()
        except (EventStoreError, TimeoutError):
            return "not reached: answers are stale, and there is no audit"
        return "ok"

    return say


async def _commands(settings: Settings, front: Front, stack: AsyncExitStack) -> CommandSide:
    """What takes commands, on an event store that is closed with the stack."""

    async def opened() -> CommandSide:
        async with AsyncExitStack() as opening:
            events = await open_event_store(settings)
            opening.push_async_callback(events.close)
            commands = await connect_commands(settings, events)
            stack.push_async_exit(opening.pop_all())
            return commands

    return await reached(EVENT_STORE, opened, front)

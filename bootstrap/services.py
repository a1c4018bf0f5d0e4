"""The services that callers see: command API and query API."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from api.cli.application import CannotOpen
from bootstrap.audit_key import is_key_of
from bootstrap.command_side import CommandSide, connect_commands
from bootstrap.event_stores import open_event_store
from bootstrap.front import Front
from bootstrap.query_side import connect_queries
from bootstrap.read_stores import open_read_store
from bootstrap.serve import settle_down
from bootstrap.settings import Settings
from bootstrap.waiting import EVENT_STORE, READ_STORE, answering, reached, reached_later
from bootstrap.web import command_app, query_app

_WITHOUT_EVENTS = "not reached: answers are stale, and there is no audit"


async def command_api(settings: Settings, front: Front) -> None:
    """Take commands, until cancelled. Any number of them may run side by side."""
    async with AsyncExitStack() as stack:
        commands = await opened_commands(settings, front, stack)
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
        front.open({}, query_app(queries, event_store=answering(events, _WITHOUT_EVENTS)))
        settle_down()
        await asyncio.Event().wait()


async def opened_commands(settings: Settings, front: Front, stack: AsyncExitStack) -> CommandSide:
    """What takes commands, on an event store that is closed with the stack.

    Raises:
        CannotOpen: a secret is missing, damaged, or of another shop.
    """

    async def opened() -> CommandSide:
        async with AsyncExitStack() as opening:
            events = await open_event_store(settings)
            opening.push_async_callback(events.close)
            commands = await connect_commands(settings, events)
            if not await is_key_of(events, commands.chain):
                raise CannotOpen(
                    "The events were recorded with another audit key: these are the secrets of "
                    "another shop. See orderlog doctor."
                )
            stack.push_async_exit(opening.pop_all())
            return commands

    return await reached(EVENT_STORE, opened, front)

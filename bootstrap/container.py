"""Puts the application together: commands and queries, on the stores that the settings name."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bootstrap.command_side import CommandSide, connect_commands
from bootstrap.event_stores import open_event_store
from bootstrap.query_side import QuerySide, connect_queries
from bootstrap.read_stores import open_read_store
from bootstrap.settings import Settings


@dataclass(frozen=True)
class Container(CommandSide, QuerySide):
    """Both sides of one application."""


@asynccontextmanager
async def open_container(settings: Settings) -> AsyncGenerator[Container]:
    """Open the stores and connect everything; close them at the end.

    Raises:
        CannotOpen: a store or secret can't be opened; the message says why.
    """
    events = await open_event_store(settings)
    try:
        documents = await open_read_store(settings)
        try:
            commands = await connect_commands(settings, events)
            queries = connect_queries(settings, events, documents)
            try:
                yield Container(**vars(queries) | vars(commands))
            finally:
                await queries.projections.close()
        finally:
            await documents.close()
    finally:
        await events.close()

"""The projector as a Faust app: `faust -A bootstrap.projector worker`.

It is what `orderlog serve projector` runs, without health checks, and under Faust's own command:
where the app crashes or stands still, the process ends with an error, and has to be started again.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import cache

import typer

from api.cli.application import CannotOpen
from bootstrap import logs
from bootstrap.kafka import group_of, servers_of, topics_of
from bootstrap.main import read_settings
from bootstrap.needs import Needs, prepared
from bootstrap.workers import opened_projecting
from event_store.kafka.faust_app import FeedApp
from event_store.kafka.feed_settings import FeedSettings
from event_store.kafka.topics import Topics
from event_store.partitions import PartitionHandler


@cache
def make_app() -> FeedApp:
    """The app of the settings."""
    given = read_settings()
    try:
        settings = prepared(given, "projector", Needs(kafka=True, read_store=True))
    except CannotOpen as error:
        typer.echo(f"orderlog: {error}", err=True)
        raise SystemExit(1) from None
    logs.configure(settings)

    @asynccontextmanager
    async def open_handler(_topics: Topics) -> AsyncGenerator[PartitionHandler]:
        async with opened_projecting(settings) as projecting:
            yield projecting.runner

    feed = FeedSettings(servers_of(settings), topics_of(settings), group_of(settings, "projector"))
    return FeedApp(feed, open_handler)


def __getattr__(name: str) -> FeedApp:
    # Made when it is asked for: without settings the module can be imported all the same.
    if name == "app":
        return make_app()
    raise AttributeError(name)

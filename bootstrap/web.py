"""The HTTP application of one process: commands and queries under the same public paths."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fastapi import FastAPI

from api.command_api.app import ROUTERS as COMMAND_ROUTERS
from api.command_api.app import create_command_app
from api.command_api.dependencies import CommandDependencies
from api.http.app import create_app
from api.http.health import Check
from api.query_api.app import ROUTERS as QUERY_ROUTERS
from api.query_api.app import QueryDependencies, create_query_app, install_queries
from api.security.rate_limits import RateLimits
from bootstrap.command_side import CommandSide
from bootstrap.container import Container
from bootstrap.query_side import QuerySide
from bootstrap.settings import secret_of
from event_store.composite import part_for


def command_dependencies(container: CommandSide) -> CommandDependencies:
    """What the command API needs, from the container."""
    settings = container.settings
    return CommandDependencies(
        bus=container.bus,
        sessions=container.sessions,
        tokens=container.access_tokens,
        consistency=container.consistency_tokens,
        limits=RateLimits(
            secret_of(settings, "jwt"),
            per_email=settings.sign_ins_per_email,
            per_address=settings.sign_ins_per_address,
        ),
        store_of=lambda stream: part_for(container.store_identity, stream),
        readiness={"event_store": container.events.check},
    )


def query_dependencies(container: QuerySide) -> QueryDependencies:
    """What the query API needs, from the container."""
    return QueryDependencies(
        documents=container.documents,
        projections=container.projections,
        audit=container.audit,
        access_tokens=container.access_tokens,
        consistency_tokens=container.consistency_tokens,
        consistency_wait_seconds=container.settings.consistency_wait_seconds,
        readiness={"projections": container.projections.check},
    )


def command_app(container: CommandSide, *, lifespan: Any = None) -> FastAPI:
    """The command API alone."""
    return create_command_app(command_dependencies(container), lifespan=lifespan)


def query_app(container: QuerySide, *, event_store: Check) -> FastAPI:
    """The query API alone; it tells of the event store as the check does."""
    dependencies = query_dependencies(container)
    readiness = {**dependencies.readiness, "event_store": event_store}
    return create_query_app(replace(dependencies, readiness=readiness))


def whole_app(container: Container, *, lifespan: Any = None) -> FastAPI:
    """Both APIs in one application, with one document."""
    commands, queries = command_dependencies(container), query_dependencies(container)
    app = create_app(
        "orderlog",
        (*COMMAND_ROUTERS, *QUERY_ROUTERS),
        container.access_tokens,
        state={"commands": commands},
        readiness={**commands.readiness, **queries.readiness},
        lifespan=lifespan,
    )
    install_queries(app, queries)
    return app

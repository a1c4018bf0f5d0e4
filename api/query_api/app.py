"""Makes the query API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from api.http.app import create_app
from api.http.errors import Malformed
from api.http.health import Check
from api.http.problems import problem_of
from api.query_api import audit, operations, orders, products, reports, stock, users
from api.query_api.reading import QueryServices, ReadModelHeader
from api.security.consistency import ConsistencyTokens
from api.security.tokens import AccessTokens
from contracts.errors import DomainError, Unavailable
from event_store.errors import EventStoreError
from read_side.audit.trail import AuditTrail
from read_side.freshness import Freshness, Projections
from read_side.port import (
    Documents,
    FieldNotIndexed,
    InvalidCursor,
    NoActiveGeneration,
    ReadStoreError,
)

ROUTERS = (
    orders.router,
    products.router,
    users.router,
    stock.router,
    reports.router,
    operations.router,
    audit.router,
)
"""Their routes expect what `install_queries` gives."""
_BUILDING_RETRY_SECONDS = 5
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class QueryDependencies:
    """What the query API is put together from."""

    documents: Documents
    projections: Projections
    audit: AuditTrail
    access_tokens: AccessTokens
    consistency_tokens: ConsistencyTokens
    consistency_wait_seconds: float = 2.0
    """How long a query waits for the write that its `Consistency-Token` names."""
    readiness: Mapping[str, Check] = field(default_factory=dict[str, Check])


def create_query_app(dependencies: QueryDependencies, *, lifespan: Any = None) -> FastAPI:
    """The query API as an application of its own."""
    app = create_app(
        "orderlog queries",
        ROUTERS,
        dependencies.access_tokens,
        readiness=dependencies.readiness,
        lifespan=lifespan,
    )
    install_queries(app, dependencies)
    return app


def install_queries(app: FastAPI, dependencies: QueryDependencies) -> None:
    """Give an application with the query routes what they need, before its first request."""
    app.state.queries = QueryServices(
        documents=dependencies.documents,
        projections=dependencies.projections,
        freshness=Freshness(
            dependencies.projections,
            dependencies.documents,
            wait_seconds=dependencies.consistency_wait_seconds,
        ),
        tokens=dependencies.consistency_tokens,
        audit=dependencies.audit,
    )
    app.add_exception_handler(ReadStoreError, _store_error)
    app.add_exception_handler(EventStoreError, _store_error)
    app.add_middleware(ReadModelHeader)


async def _store_error(request: Request, error: Exception) -> Response:
    return problem_of(request.scope, _as_problem(error))


def _as_problem(error: Exception) -> DomainError:
    if isinstance(error, InvalidCursor):
        return Malformed(f"Ask again without the cursor: {error}.", code="bad-cursor")
    if isinstance(error, NoActiveGeneration):
        return Unavailable(
            "The read model is being built for the first time.",
            retry_after=_BUILDING_RETRY_SECONDS,
        )
    _log.warning("a store can't answer", error=repr(error))
    if isinstance(error, FieldNotIndexed):
        return Unavailable(
            "The read model was built by other code and can't answer this: it needs a rebuild.",
            retry_after=_BUILDING_RETRY_SECONDS,
        )
    if isinstance(error, EventStoreError):
        return Unavailable("The event store can't be reached now.")
    return Unavailable("The read models can't be reached now.")

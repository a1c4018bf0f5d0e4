"""The audit: what happened, who did it by which command, what changed, what followed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from api.http.documentation import problems
from api.http.route import GuardedRoute
from api.query_api import examples
from api.query_api.parameters import EventParameters, PageParameters, PathId
from api.query_api.reading import NoParameters, Reading, answer, answers
from contracts.documents import CUSTOMERS, EVENT_LOG
from read_side.audit.consequences import Consequences
from read_side.audit.entries import Entry
from read_side.queries.views import Page

router = APIRouter(route_class=GuardedRoute, tags=["audit"])
_INDEXED = (EVENT_LOG.name, CUSTOMERS.name)
_A_PAGE = answers("A page of events", examples.AUDIT_PAGE)


@router.get(
    "/api/orders/{id}/history",
    response_model=Page[Entry],
    responses={200: _A_PAGE},
    summary="See what happened to an order",
)
async def order_history(
    order_id: PathId, wanted: Annotated[PageParameters, Query()], read: Reading
) -> Response:
    """The oldest first, straight from the event store. A customer is not told who our staff are."""
    await read.to_get(CUSTOMERS.name)
    return answer(await read.audit.order_history(read.actor, order_id, wanted.page()))


@router.get(
    "/api/audit/streams/{stream}",
    response_model=Page[Entry],
    responses={200: _A_PAGE},
    summary="See what happened in a stream",
)
async def stream(
    stream: str, wanted: Annotated[PageParameters, Query()], read: Reading
) -> Response:
    """The oldest first, straight from the event store. Streams not published are not found."""
    await read.to_get(CUSTOMERS.name)
    return answer(await read.audit.stream_page(stream, wanted.page()))


@router.get(
    "/api/audit/events",
    response_model=Page[Entry],
    responses={200: _A_PAGE},
    summary="Search events",
)
async def events(wanted: Annotated[EventParameters, Query()], read: Reading) -> Response:
    """In the order they were recorded."""
    await read.to_search(*_INDEXED)
    return answer(await read.audit.events(wanted.wanted(), wanted.page()))


@router.get(
    "/api/audit/events/{id}/consequences",
    response_model=Consequences,
    responses={200: answers("The event as a tree", examples.CONSEQUENCES), **problems(422)},
    dependencies=[NoParameters],
    summary="See what followed from an event",
)
async def consequences(event_id: PathId, read: Reading) -> Response:
    """The event, the event that caused it, and all that it caused, directly or not.

    `truncated` says that more than 1,000 events followed, or more than 50 steps.
    """
    await read.to_search(*_INDEXED)
    return answer(await read.audit.consequences(event_id))

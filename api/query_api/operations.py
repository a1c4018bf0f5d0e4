"""For operators: how the projections stand, and events that could not be projected."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict

from api.http.body import read_body
from api.http.documentation import problems
from api.http.route import GuardedRoute
from api.query_api import examples
from api.query_api.parameters import PathId
from api.query_api.reading import NoParameters, answer, answers, services_of
from contracts.commands.base import Command
from contracts.commands.sales import Reason
from contracts.errors import NotFound
from contracts.parked import ParkedRequest, ParkedStream
from read_side.freshness import Projections, ProjectionState, RebuildState
from read_side.queries.views import Page

router = APIRouter(route_class=GuardedRoute, tags=["operations"], dependencies=[NoParameters])


class RebuildView(TypedDict):
    """A rebuild beside what answers: its generation, and how many events it has replayed.

    `phase`: `starting`, `loading`, `following` (it waits until the running server writes to it as
    well, and compares), `built` (it waits for a switch; an `error` says why it was not switched to)
    or `failed` with an `error`.
    """

    generation: int | None
    phase: str
    done: int
    total: int
    error: str | None


class ProjectionView(TypedDict):
    """A projection; `lag_seconds` is null when it is not known.

    `partitions`: the position that it has come to in each partition, such as `order/3/6` for the
    fourth of six; empty where it reads the event store as a whole.
    """

    name: str
    generation: int | None
    state: str
    lag_seconds: float | None
    parked: int
    rebuild: RebuildView | None
    partitions: dict[str, str]


class ParkedView(TypedDict):
    """An event that could not be projected; its stream waits for `retry` or `discard`."""

    id: str
    projection: str
    stream: str
    version: int
    error: str
    request: ParkedRequest | None


class Discard(Command):
    """Give an event up."""

    reason: Reason


_DISCARD = TypeAdapter(Discard)
_DISCARD_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": Discard.model_json_schema(),
                "example": {"reason": "Made by a test that went wrong"},
            }
        },
    }
}


@router.get(
    "/api/projections",
    response_model=Page[ProjectionView],
    responses={
        200: answers("All projections", examples.PROJECTIONS, fresh=False),
        **problems(422),
    },
    summary="How the projections stand",
)
async def list_projections(request: Request) -> Response:
    """Lag is the age of the oldest event not shown yet; parked streams are counted apart."""
    states = await services_of(request).projections.states()
    return answer({"items": [_projection_view(state) for state in states], "next_cursor": None})


@router.post(
    "/api/projections/{name}/rebuild",
    status_code=202,
    response_model=ProjectionView,
    responses={
        202: answers("What is being rebuilt", examples.PROJECTION_REBUILT, fresh=False),
        **problems(404, 409, 422),
    },
    summary="Rebuild a projection",
)
async def rebuild(name: Annotated[str, Path()], request: Request) -> Response:
    """Replays all events beside what answers, compares, and switches; poll `/api/projections`.

    When `rebuild` is null again, `generation` is the new one. Unless something is parked in it:
    then it stays `built`, with an `error` that names what, and can be switched to once nothing is.
    """
    projections = services_of(request).projections
    await _projection(projections, name)
    await projections.start_rebuild(name)
    return answer(_projection_view(await _projection(projections, name)), status=202)


@router.get(
    "/api/parked",
    response_model=Page[ParkedView],
    responses={200: answers("What is parked", examples.PARKED_PAGE, fresh=False), **problems(422)},
    summary="Events that could not be projected",
)
async def list_parked(request: Request) -> Response:
    """The oldest first. `request` is what was asked for and not carried out yet."""
    parked = await services_of(request).projections.parked()
    return answer({"items": [_parked_view(stream) for stream in parked], "next_cursor": None})


@router.post(
    "/api/parked/{id}/retry",
    response_model=ParkedView,
    responses={
        200: answers("What will be tried", examples.parked("retry"), fresh=False),
        **problems(422),
    },
    summary="Try a parked event again",
)
async def retry(parked_id: PathId, request: Request) -> Response:
    """Carried out soon, by whoever owns the stream; the event parks again if it fails again."""
    projections = services_of(request).projections
    found = await _parked(request, parked_id)
    if not await projections.retry(parked_id):
        raise _not_parked(parked_id)
    return answer({**_parked_view(found), "request": "retry"})


@router.post(
    "/api/parked/{id}/discard",
    response_model=ParkedView,
    responses={
        200: answers("What will be given up", examples.parked("discard"), fresh=False),
        **problems(422),
    },
    openapi_extra=_DISCARD_BODY,
    summary="Give a parked event up",
)
async def discard(parked_id: PathId, request: Request) -> Response:
    """Read models will never show the event; the event itself stays. It can't be undone."""
    body = await read_body(request, _DISCARD)
    found = await _parked(request, parked_id)
    if not await services_of(request).projections.discard(parked_id, body.reason):
        raise _not_parked(parked_id)
    return answer({**_parked_view(found), "request": "discard"})


async def _projection(projections: Projections, name: str) -> ProjectionState:
    for state in await projections.states():
        if state.name == name:
            return state
    raise NotFound(f"There is no projection {name}.")


async def _parked(request: Request, parked_id: str) -> ParkedStream:
    for stream in await services_of(request).projections.parked():
        if stream.id == parked_id:
            return stream
    raise _not_parked(parked_id)


def _not_parked(parked_id: str) -> NotFound:
    return NotFound(f"Nothing is parked as {parked_id}.")


def _projection_view(state: ProjectionState) -> ProjectionView:
    return {
        "name": state.name,
        "generation": state.generation,
        "state": state.state,
        "lag_seconds": state.lag_seconds,
        "parked": state.parked,
        "rebuild": None if state.rebuild is None else _rebuild_view(state.rebuild),
        "partitions": dict(state.partitions),
    }


def _rebuild_view(rebuild: RebuildState) -> RebuildView:
    return {
        "generation": rebuild.generation,
        "phase": rebuild.phase,
        "done": rebuild.done,
        "total": rebuild.total,
        "error": rebuild.error,
    }


def _parked_view(stream: ParkedStream) -> ParkedView:
    return {
        "id": stream.id,
        "projection": stream.subscriber,
        "stream": stream.stream,
        "version": stream.version,
        "error": stream.error,
        "request": stream.request,
    }

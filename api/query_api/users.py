"""Users."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from api.http.documentation import problems
from api.http.route import GuardedRoute
from api.query_api import examples
from api.query_api.parameters import PathId, UserParameters
from api.query_api.reading import NoParameters, Reading, answer, answers
from contracts.documents import CUSTOMERS
from read_side.queries import users
from read_side.queries.views import Page, UserView

router = APIRouter(route_class=GuardedRoute, tags=["users"])


@router.get(
    "/api/users/{id}",
    response_model=UserView,
    responses={200: answers("The user's profile", examples.USER, etag=True), **problems(422)},
    dependencies=[NoParameters],
    summary="See a user",
)
async def get_user(user_id: PathId, read: Reading) -> Response:
    """One's own profile; operators see all."""
    documents = await read.to_get(CUSTOMERS.name)
    user = await users.get_user(documents, read.actor, user_id)
    return answer(user, version=user["version"])


@router.get(
    "/api/users",
    response_model=Page[UserView],
    responses={200: answers("A page of users", examples.USER_PAGE)},
    summary="Search users",
)
async def list_users(wanted: Annotated[UserParameters, Query()], read: Reading) -> Response:
    """The newest first."""
    documents = await read.to_search(CUSTOMERS.name)
    return answer(await users.list_users(documents, wanted.page(), q=wanted.q))

"""Whether the process lives, and whether it can do its work."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

import structlog
from fastapi import APIRouter
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.http.route import GuardedRoute

Check = Callable[[], Awaitable[object]]
"""Returns when all is well, or a text when there is something to say; raises what prevents it."""

CHECK_SECONDS = 2.0
_log = structlog.get_logger(__name__)
router = APIRouter(route_class=GuardedRoute, tags=["health"])


class NotReady(Exception):
    """Something is not there; the message says what, and may be shown to anyone."""


class Live(BaseModel):
    """The process answers."""

    status: Literal["ok"]


class Ready(BaseModel):
    """Whether everything this process needs is there, and what is not.

    A check says `ok`, or in words what there is to know.
    """

    status: Literal["ok", "degraded"]
    checks: dict[str, str]


@router.get("/health/live", response_model=Live, summary="Is the process alive?")
async def live() -> Response:
    """Answers as long as the process does."""
    return JSONResponse({"status": "ok"})


@router.get(
    "/health/ready",
    response_model=Ready,
    responses={503: {"model": Ready, "description": "Something it needs is not there"}},
    summary="Can it do its work?",
)
async def ready(request: Request) -> Response:
    """Checks what this process depends on, each for at most two seconds."""
    checks: Mapping[str, Check] = request.app.state.readiness
    results = await asyncio.gather(*(_run(name, check) for name, check in checks.items()))
    found = {name: words for name, (_, words) in zip(checks, results, strict=True)}
    well = all(passed for passed, _ in results)
    status = "ok" if well else "degraded"
    return JSONResponse({"status": status, "checks": found}, 200 if well else 503)


async def _run(name: str, check: Check) -> tuple[bool, str]:
    """Whether all is well, and what to say."""
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            found = await check()
    except TimeoutError:
        return False, "no answer in time"
    except NotReady as error:
        return False, str(error)
    except Exception as error:  # noqa: BLE001 - whatever a check raises, that is the finding
        _log.warning("not ready", check=name, error=repr(error))
        return False, type(error).__name__
    return True, found if isinstance(found, str) else "ok"

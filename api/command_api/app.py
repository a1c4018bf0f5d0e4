"""The command API as an application of its own, or as routers of a bigger one."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from api.command_api import orders, products, sessions, stock, users
from api.command_api.dependencies import CommandDependencies
from api.http.app import create_app

ROUTERS = (orders.router, products.router, stock.router, users.router, sessions.router)
"""Their routes expect the dependencies as `app.state.commands`."""


def create_command_app(dependencies: CommandDependencies, *, lifespan: Any = None) -> FastAPI:
    """All commands over HTTP, with health routes."""
    return create_app(
        "orderlog command API",
        ROUTERS,
        dependencies.tokens,
        state={"commands": dependencies},
        readiness=dependencies.readiness,
        lifespan=lifespan,
    )

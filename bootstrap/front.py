"""What a service answers over HTTP while it starts, and what else it is asked for its health."""

from __future__ import annotations

import secrets

from starlette.types import ASGIApp, Receive, Scope, Send

from api.http.app import create_app
from api.http.health import Check, NotReady
from api.http.middleware import Edge
from api.http.problems import problem_of
from api.security.tokens import AccessTokens
from contracts.errors import Unavailable

_RETRY_SECONDS = 2


class Front:
    """Health from the first moment on; an API behind it as soon as there is one."""

    def __init__(self, name: str) -> None:
        """Stand before the service of this name, which starts."""
        self._name = name
        self._waits_for: str | None = "it starts"
        # No route asks who calls, so any key will do.
        self._probe = create_app(f"orderlog {name}", (), AccessTokens(secrets.token_bytes(32)))
        self._probe.state.readiness = {"started": self._started}
        self._app: ASGIApp = self._probe
        self._refusing = Edge(self._refuse)

    def waits_for(self, what: str) -> None:
        """Say what it waits for, in words."""
        self._waits_for = what

    def open(self, readiness: dict[str, Check], app: ASGIApp | None = None) -> None:
        """It has started: say how it is by these checks, and let the application answer, if any.

        An application brings checks of its own.
        """
        self._waits_for = None
        self._probe.state.readiness = readiness
        if app is not None:
            self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection (ASGI)."""
        app: ASGIApp = self._app
        if self._waits_for is not None and scope["type"] == "http":
            app = self._probe if scope["path"].startswith("/health/") else self._refusing
        await app(scope, receive, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        error = Unavailable(
            f"orderlog {self._name} is not ready: {self._waits_for}.", retry_after=_RETRY_SECONDS
        )
        await problem_of(scope, error)(scope, receive, send)

    async def _started(self) -> None:
        raise NotReady(str(self._waits_for))

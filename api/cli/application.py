"""What the command line needs of the application; bootstrap provides it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from contracts.values import Role
from event_store.chain import Chain
from event_store.port import EventStore
from projections.compare import Comparison
from projections.lease import Progress
from projections.rebuild import Outcome
from read_side.audit.trail import AuditTrail
from read_side.freshness import Projections
from read_side.port import Documents
from write_side.kernel.bus import CommandBus


class SteeredProjections(Projections, Protocol):
    """The projections, and what operators can ask of them."""

    async def pause(self, projection: str) -> None:
        """Let a projection stand still; what it shows grows old."""
        ...

    async def resume(self, projection: str) -> None:
        """Let a projection go on."""
        ...

    async def rebuild(
        self,
        projection: str,
        *,
        switch: bool,
        report: Callable[[Progress], None],
        processes: int | None = None,
    ) -> Outcome:
        """Replay a projection into a new generation and switch to it, unless told not to.

        `processes` help where they can; None: as many as the settings say.
        """
        ...

    async def compare(self, projection: str) -> Comparison:
        """Compare what serves with what was built beside it, or with what served before."""
        ...

    async def switch(self, projection: str) -> Outcome:
        """Switch to the generation that was built and not switched to."""
        ...

    async def rollback(self, projection: str) -> Outcome:
        """Bring the generation that served before up to date and switch back to it."""
        ...


class Application(Protocol):
    """The application of one data folder, opened for one command of the command line."""

    @property
    def bus(self) -> CommandBus:
        """Takes commands."""
        ...

    @property
    def events(self) -> EventStore:
        """The event store."""
        ...

    @property
    def documents(self) -> Documents:
        """The read models."""
        ...

    @property
    def projections(self) -> SteeredProjections:
        """State of the projections, and what operators can ask of them."""
        ...

    @property
    def audit(self) -> AuditTrail:
        """What explains events."""
        ...

    @property
    def chain(self) -> Chain:
        """Makes the hashes of events."""
        ...

    @property
    def all_hashed(self) -> bool:
        """Whether each event was recorded with a hash, for certain."""
        ...

    def token(self, user_id: str, roles: tuple[Role, ...], lifetime: timedelta) -> str:
        """A bearer token, signed with the key of this installation."""
        ...


OpenApplication = Callable[[], AbstractAsyncContextManager[Application]]
"""Opens the application that the settings describe; raises `CannotOpen`."""

Copy = Callable[[Path], None]
"""Backs up to, or restores from, a file; raises `CannotOpen` or an event store's error."""


class CannotOpen(Exception):
    """The application can't be opened; the message says why and what to do."""

"""A stream that a subscriber could not go on with: what operators see and ask for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

ParkedRequest = Literal["retry", "discard"]


@dataclass(frozen=True, slots=True)
class ParkedStream:
    """A stream stuck at `version`: that event failed, the later ones queue behind it."""

    subscriber: str
    """The projection or policy that could not handle the event."""
    stream: str
    version: int
    event_id: UUID
    error: str
    parked_at: datetime
    request: ParkedRequest | None = None
    """What an operator asked for and the subscriber has not carried out yet."""
    reason: str | None = None
    """Why an operator asked to discard the event."""

    @property
    def id(self) -> str:
        """How operators name it: `<subscriber>:<stream>`."""
        return f"{self.subscriber}:{self.stream}"

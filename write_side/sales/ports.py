"""What Sales needs to know of other contexts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer as far as Sales cares."""

    id: str
    active: bool


class CustomerDirectory(Protocol):
    """Knows all customers, as of now."""

    async def find(self, customer_id: str) -> Customer | None:
        """The customer, if there is one."""
        ...

"""What a refused command leaves behind: nothing."""

from __future__ import annotations

import pytest

from contracts.commands.base import Command
from contracts.errors import DomainError, Refused
from contracts.values import Actor
from tests.support.commands import OPERATOR, Shop


async def refused(
    shop: Shop,
    command: Command,
    code: str,
    by: Actor = OPERATOR,
    kind: type[DomainError] = Refused,
) -> None:
    head = await shop.store.head()
    with pytest.raises(kind) as raised:
        await shop.handle(command, by)
    assert raised.value.code == code
    assert await shop.store.head() == head

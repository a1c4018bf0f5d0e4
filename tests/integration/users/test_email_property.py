"""Whatever users do and wherever processes end, an address belongs to exactly who has it."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.errors import DomainError
from tests.integration.users.world import Crash, World, some_id
from tests.support.stores import KINDS, opened, place

EMAILS = [f"{name}@example.com" for name in "xyz"]
USERS = [some_id(name) for name in "abc"]

STEPS = st.lists(
    st.tuples(
        st.sampled_from(USERS),
        st.sampled_from(EMAILS),
        st.sampled_from([1, 2, 3, 99]),
        st.integers(0, 2),
    ),
    max_size=12,
)
"""Which user asks for which address, after how many appends that process ends, in which group of
requests that run at once."""


async def ask(world: World, user_id: str, email: str) -> None:
    with suppress(Crash, DomainError):
        if (await world.users.load(user_id)).exists:
            await world.change(user_id, email=email)
        else:
            await world.register(email, user_id=user_id)


async def consistent(world: World) -> None:
    users = [await world.users.load(user_id) for user_id in USERS]
    emails = {user.email: user.id for user in users if user.exists}
    assert len(emails) == sum(user.exists for user in users)
    assert {email: await world.owner(email) for email in EMAILS} == {
        email: emails.get(email) for email in EMAILS
    }
    for user in users:
        credential = await world.credentials.load(user.id)
        assert credential.exists or not user.exists


async def story(kind: str, folder: Path, steps) -> None:
    async with place(kind, folder) as address, opened(address) as store:
        world = World(store)
        for group in range(3):
            await asyncio.gather(
                *(
                    ask(world.crashing(after), user_id, email)
                    for user_id, email, after, at in steps
                    if at == group
                )
            )
        await world.settle()
        await consistent(world)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40, deadline=None)
@given(STEPS)
def test_addresses_when_users_and_processes_come_and_go_then_each_has_one_owner(kind, steps):
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(story(kind, Path(folder), steps))

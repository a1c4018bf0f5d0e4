"""Signing in, refreshing, and all that ends a session."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from contracts.commands.users import ChangePassword, ChangeRoles, DeactivateUser
from contracts.errors import Unauthenticated, Unavailable
from contracts.values import SYSTEM
from tests.integration.users.world import ANONYMOUS, PASSWORD, Crash, asked_by, some_id, user

ADA = "ada@example.com"


@pytest.fixture
async def ada(world):
    return (await world.register(ADA)).id


async def sign_in(world, email=ADA, password=PASSWORD):
    return await world.sessions.sign_in(email, password, asked_by(ANONYMOUS, key="ignored"))


async def refresh(world, token, later=timedelta(seconds=1)):
    return await world.sessions.refresh(token, asked_by(ANONYMOUS, key="ignored", later=later))


async def not_good(world, token, **more):
    with pytest.raises(Unauthenticated) as refused:
        await refresh(world, token, **more)
    assert refused.value.code == "invalid-refresh-token"


# Signing in


async def test_registered_when_signing_in_then_a_session_begins(world, ada):
    signed_in = await sign_in(world, "ADA@example.com")
    assert signed_in.access_token == f"{ada}:customer"
    assert (signed_in.user_id, signed_in.roles, signed_in.expires_in) == (ada, ("customer",), 900)
    assert await world.types(f"session-{signed_in.session_id}") == ["SessionStarted"]


async def test_signed_in_when_the_stream_is_read_then_it_holds_no_token(world, ada):
    signed_in = await sign_in(world)
    [started] = await world.store.read_stream(f"session-{signed_in.session_id}")
    secret = signed_in.refresh_token.partition(".")[2]
    assert len(secret) >= 43
    assert secret.encode() not in started.data
    assert secret not in repr(signed_in)


@pytest.mark.parametrize(
    ("email", "password"),
    [
        (ADA, "a wrong guess"),
        (ADA, ""),
        ("nobody@example.com", PASSWORD),
        ("no address", PASSWORD),
        ("closed@example.com", PASSWORD),
        ("imported@example.com", ""),
        ("left@example.com", PASSWORD),
    ],
)
async def test_anyone_when_signing_in_in_vain_then_same_answer_same_work(
    world, ada, email, password
):
    closed = (await world.register("closed@example.com")).id
    await world.bus.handle(DeactivateUser(user_id=closed), asked_by(SYSTEM))
    await world.register("imported@example.com", password=None, actor=SYSTEM)
    left = (await world.register("left@example.com")).id
    await world.change(left, email="found@example.com")
    head = await world.store.head()
    reads = counting_reads(world)

    with pytest.raises(Unauthenticated) as refused:
        await sign_in(world, email, password)
    assert refused.value.code == "invalid-credentials"
    assert refused.value.detail == "E-mail address and password don't go together."
    assert world.passwords.verified == 1
    assert reads() == 3
    assert await world.store.head() == head


def counting_reads(world):
    streams = []
    read_stream = world.store.read_stream

    async def counted(stream, **options):
        streams.append(stream)
        return await read_stream(stream, **options)

    world.store.read_stream = counted
    return lambda: len(streams)


@pytest.mark.parametrize("after", [1, 2])
async def test_claimed_but_not_registered_when_signing_in_then_refused(world, after):
    with pytest.raises(Crash):
        await world.crashing(after).register(ADA)
    assert await world.can_sign_in(ADA) is None


# Refreshing


async def test_signed_in_when_refreshed_then_the_token_rotates(world, ada):
    first = await sign_in(world)
    second = await refresh(world, first.refresh_token)
    third = await refresh(world.restarted(), second.refresh_token)
    assert len({first.refresh_token, second.refresh_token, third.refresh_token}) == 3
    assert third.session_id == first.session_id
    assert third.access_token == f"{ada}:customer"


async def test_refreshed_when_a_used_token_comes_again_then_the_family_ends(world, ada):
    first = await sign_in(world)
    second = await refresh(world, first.refresh_token)
    other = await sign_in(world)
    await not_good(world, first.refresh_token)
    await not_good(world, second.refresh_token)
    assert (await world.types(f"session-{first.session_id}"))[-1] == "SessionRevoked"
    await refresh(world, other.refresh_token)


@pytest.mark.parametrize("processes", [1, 2])
async def test_token_when_ten_refresh_it_at_once_then_at_most_one_succeeds_and_the_family_ends(
    world, ada, processes
):
    first = await sign_in(world)
    worlds = [world, world.restarted()]
    answers = await asyncio.gather(
        *(refresh(worlds[n % processes], first.refresh_token) for n in range(10)),
        return_exceptions=True,
    )
    good = [answer for answer in answers if not isinstance(answer, Exception)]
    assert all(isinstance(a, Unauthenticated) for a in answers if a not in good)
    assert len(good) == 1
    await not_good(world, good[0].refresh_token)
    assert await world.types(f"session-{first.session_id}") == [
        "SessionStarted",
        "SessionRefreshed",
        "SessionRevoked",
    ]


async def test_signed_in_when_the_token_expired_then_refused(world, ada):
    first = await sign_in(world)
    await not_good(world, first.refresh_token, later=timedelta(seconds=3600))
    assert await world.types(f"session-{first.session_id}") == ["SessionStarted"]


async def test_refreshed_when_time_goes_by_then_the_new_token_lasts_anew(world, ada):
    first = await sign_in(world)
    second = await refresh(world, first.refresh_token, timedelta(seconds=3599))
    await refresh(world, second.refresh_token, timedelta(seconds=7000))


async def test_signed_in_when_the_password_changes_then_all_sessions_end(world, ada):
    sessions = [await sign_in(world), await sign_in(world)]
    sessions[1] = await refresh(world, sessions[1].refresh_token)
    command = ChangePassword(user_id=ada, current_password=PASSWORD, new_password="a new password")
    await world.bus.handle(command, asked_by(user(ada)))
    for session in sessions:
        await not_good(world, session.refresh_token)
    await refresh(world, (await sign_in(world, password="a new password")).refresh_token)


async def test_signed_in_when_deactivated_then_all_sessions_end(world, ada):
    sessions = [await sign_in(world), await sign_in(world)]
    await world.bus.handle(DeactivateUser(user_id=ada), asked_by(user(ada)))
    for session in sessions:
        await not_good(world, session.refresh_token)


async def test_signed_in_when_roles_change_then_the_next_access_token_has_them(world, ada):
    first = await sign_in(world)
    await world.bus.handle(ChangeRoles(user_id=ada, grant=("operator",)), asked_by(SYSTEM))
    second = await refresh(world, first.refresh_token)
    assert second.access_token == f"{ada}:customer+operator"
    assert second.roles == ("customer", "operator")


@pytest.mark.parametrize(
    "token",
    ["", ".", "nonsense", some_id("x"), f"{some_id('x')}.secret", "a-b.c", "\udcff.x", "x" * 5000],
)
async def test_nobody_when_a_made_up_token_comes_then_refused(world, token):
    await not_good(world, token)
    assert await world.store.head() is None


async def test_signed_in_when_the_store_does_not_answer_then_unavailable(world, ada):
    first = await sign_in(world)
    await world.store.close()
    for attempt in (sign_in(world), refresh(world, first.refresh_token)):
        with pytest.raises(Unavailable):
            await attempt

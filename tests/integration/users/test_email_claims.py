"""An address belongs to one user: in races, across crashes, and back again."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import nullcontext

import pytest

from contracts.commands.users import ChangeRoles
from contracts.errors import IdempotencyKeyReused, Refused
from contracts.values import SYSTEM
from tests.integration.users.world import Crash, World, asked_by, some_id
from tests.support.stores import open_store

ADA, EVE = "ada@example.com", "eve@example.com"

COMPLETIONS = pytest.mark.parametrize(
    "completion", ["the request again", "the policy", "another user"]
)
"""Who comes first after the crash."""


async def complete(world, completion, again, email):
    if completion == "the request again":
        await again()
    elif completion == "the policy":
        await world.settle()
    else:
        await taken(world, email)


async def taken(world, email):
    """Another user can't have it."""
    with pytest.raises(Refused) as refused:
        await world.register(email, key="rival", name="Rival")
    assert refused.value.code == "email-taken"


async def counted(world, *streams):
    return [await world.store.stream_version(stream) + 1 for stream in streams]


# Crashes


@COMPLETIONS
@pytest.mark.parametrize("after", [1, 2, 3])
async def test_registration_when_crashed_after_any_append_then_it_is_completed_once(
    world, after, completion
):
    with pytest.raises(Crash):
        await world.crashing(after).register(ADA, key="k")
    world = world.restarted()

    await complete(world, completion, lambda: world.register(ADA, key="k"), ADA)
    await taken(world, ADA)
    answer = await world.register(ADA, key="k")
    again = await world.register(ADA, key="k")

    assert (answer.id, answer.version) == (again.id, again.version)
    assert answer.version == 0
    assert await world.can_sign_in(ADA) == answer.id
    await world.settle()
    streams = (f"user-{answer.id}", f"credential-{answer.id}")
    assert await counted(world, *streams) == [1, 1]
    assert await world.address(ADA) == ["EmailClaimed"]


@pytest.mark.parametrize("after", [1, 2, 3])
async def test_registration_when_crashed_and_asked_otherwise_then_the_key_is_reused(world, after):
    with pytest.raises(Crash):
        await world.crashing(after).register(ADA, key="k")
    world = world.restarted()
    with pytest.raises(IdempotencyKeyReused):
        await world.register(ADA, key="k", name="Not Ada")
    with pytest.raises(IdempotencyKeyReused):
        await world.register(ADA, key="k", password="another password")
    assert (await world.register(ADA, key="k")).version == 0


@pytest.mark.parametrize("after", [1, 2, 3])
async def test_registration_when_crashed_and_asked_with_another_address_then_one_user(world, after):
    with pytest.raises(Crash):
        await world.crashing(after).register(ADA, key="k")
    world = world.restarted()
    with pytest.raises((IdempotencyKeyReused, Refused)) if after > 1 else nullcontext():
        await world.register(EVE, key="k")
    await world.settle()

    user_id = await world.owner(EVE if after == 1 else ADA)
    assert (await world.users.load(user_id)).email == (EVE if after == 1 else ADA)
    assert await world.owner(ADA if after == 1 else EVE) is None
    assert await counted(world, f"user-{user_id}", f"credential-{user_id}") == [1, 1]


@COMPLETIONS
@pytest.mark.parametrize("after", [1, 2])
async def test_profile_change_when_crashed_after_any_append_then_it_is_completed_once(
    world, after, completion
):
    user_id = (await world.register(ADA)).id
    change = {"email": "lovelace@example.com", "name": "Ada L.", "key": "k", "version": 0}
    with pytest.raises(Crash):
        await world.crashing(after).change(user_id, **change)
    world = world.restarted()

    await complete(
        world, completion, lambda: world.change(user_id, **change), "lovelace@example.com"
    )
    answer = await world.change(user_id, **change)
    again = await world.change(user_id, **change)

    assert answer.version == again.version == 1
    assert (await world.users.load(user_id)).name == "Ada L."
    await taken(world, "lovelace@example.com")
    await world.settle()
    assert await world.types(f"user-{user_id}") == ["UserRegistered", "ProfileChanged"]
    assert await world.address("lovelace@example.com") == ["EmailClaimed"]
    assert await world.address(ADA) == ["EmailClaimed", "EmailReleased"]


async def test_policy_when_crashed_after_each_append_then_it_resumes(world):
    with pytest.raises(Crash):
        await world.crashing(1).register(ADA, key="k")
    for _ in range(2):
        crashing = world.crashing(1)
        [claim] = await world.store.read_stream(f"email-{world.claims.address_id(ADA)}")
        with pytest.raises(Crash):
            await crashing.policy.handle(claim)
    await world.restarted().policy.handle(claim)
    user_id = await world.owner(ADA)
    assert await counted(world, f"user-{user_id}", f"credential-{user_id}") == [1, 1]


async def test_policy_when_restarted_then_it_goes_on_where_it_was(world):
    await world.register(EVE)
    await world.settle()
    with pytest.raises(Crash):
        await world.crashing(1).register(ADA, key="k")

    world = world.restarted()
    seen = []
    handle = world.policy.handle

    async def watched(recorded):
        seen.append(recorded.type)
        await handle(recorded)

    world.policy.handle = watched
    await world.settle()
    assert seen == ["EmailClaimed", "UserRegistered"]
    assert await world.can_sign_in(ADA)


async def test_policy_when_events_come_again_then_nothing_changes(world):
    user_id = (await world.register(ADA)).id
    await world.change(user_id, email=EVE)
    await world.change(user_id, email=ADA)
    await world.settle()
    head = await world.store.head()
    page = await world.store.read_all()
    for recorded in [*page.events, *page.events]:
        await world.policy.handle(recorded)
    assert await world.store.head() == head


# Void claims and addresses that are left


async def void_claim(world):
    """Ada's claim to a new address, of which nothing will come."""
    user_id = (await world.register(ADA)).id
    with pytest.raises(Crash):
        await world.crashing(1).change(user_id, email="lovelace@example.com", key="k")
    await world.bus.handle(ChangeRoles(user_id=user_id, grant=("auditor",)), asked_by(SYSTEM))
    return user_id


async def test_claim_when_another_event_took_the_version_then_released(world):
    user_id = await void_claim(world)
    await world.restarted().settle()
    assert await world.address("lovelace@example.com") == ["EmailClaimed", "EmailReleased"]
    assert await world.types(f"user-{user_id}") == ["UserRegistered", "RoleGranted"]
    assert await world.owner(ADA) == user_id


async def test_void_claim_when_another_registers_first_then_the_address_is_theirs(world):
    user_id = await void_claim(world)
    rival = (await world.register("lovelace@example.com")).id
    with pytest.raises(Refused) as refused:
        await world.change(user_id, email="lovelace@example.com", key="k")
    assert refused.value.code == "email-taken"
    await world.settle()
    assert await world.owner("lovelace@example.com") == rival


async def test_void_claim_when_the_request_comes_again_then_it_is_judged_anew(world):
    user_id = await void_claim(world)
    answer = await world.change(user_id, email="lovelace@example.com", key="k")
    assert answer.version == 2
    assert await world.owner("lovelace@example.com") == user_id


async def test_claim_when_the_password_was_taken_by_another_then_void_for_whoever_comes(world):
    with pytest.raises(Crash):
        await world.crashing(2).register(ADA, key="k")
    with pytest.raises(Refused) as refused:
        await world.register(EVE, key="k")
    assert refused.value.code == "user-exists"
    rival = (await world.register(EVE, key="rival")).id
    await world.settle()
    assert await world.owner(EVE) == rival
    assert await world.can_sign_in(ADA) == (await world.register(ADA, key="k")).id


async def test_policy_when_another_process_is_faster_then_it_leaves_it_at_that(world):
    user_id = (await world.register(ADA)).id
    await world.change(user_id, email="lovelace@example.com")
    [_, changed] = await world.store.read_stream(f"user-{user_id}")
    append, rivals = world.store.append, []

    async def too_late(stream, events, *, expected):
        rivals.append(await world.restarted().register(ADA, key="rival"))
        return await append(stream, events, expected=expected)

    late = World(_With(world.store, too_late))
    await late.policy.handle(changed)
    assert await world.owner(ADA) == rivals[0].id


async def test_address_when_its_user_left_it_then_others_can_have_it_at_once(world):
    user_id = (await world.register(ADA)).id
    await world.change(user_id, email="lovelace@example.com")
    rival = (await world.register(ADA)).id
    await world.settle()
    assert await world.owner(ADA) == rival
    assert await world.owner("lovelace@example.com") == user_id


@pytest.mark.parametrize("settled", [False, True], ids=["at once", "settled between"])
async def test_address_when_left_and_taken_again_by_its_user_then_it_stays_theirs(world, settled):
    user_id = (await world.register(ADA)).id
    for email in (EVE, ADA, EVE, ADA):
        await world.change(user_id, email=email)
        if settled:
            await world.settle()
    await world.settle()
    assert await world.owner(ADA) == user_id
    assert await world.owner(EVE) is None
    assert await world.can_sign_in(ADA) == user_id
    await taken(world, ADA)


async def test_two_changes_of_one_user_when_made_at_once_then_both_addresses_are_right(world):
    user_id = (await world.register(ADA)).id
    other = world.restarted()
    await asyncio.gather(
        world.change(user_id, email="one@example.com"),
        other.change(user_id, email="two@example.com"),
    )
    await world.settle()
    email = (await world.users.load(user_id)).email
    owners = {e: await world.owner(e) for e in (ADA, "one@example.com", "two@example.com")}
    assert owners == {e: user_id if e == email else None for e in owners}


# Races


@pytest.mark.parametrize("processes", [1, 3])
async def test_address_when_twenty_register_it_at_once_then_exactly_one_has_it(
    address, world, processes
):
    others = [await open_store(address) for _ in range(processes - 1)]
    worlds = [world, *map(World, others)]
    try:
        async with world.running_policy():
            answers = await asyncio.gather(
                *(
                    worlds[n % processes].register(ADA, key=f"k{n}", name=f"Ada {n}")
                    for n in range(20)
                ),
                return_exceptions=True,
            )
    finally:
        for other in others:
            await other.close()

    outcomes = Counter(getattr(answer, "code", "registered") for answer in answers)
    assert outcomes == {"registered": 1, "email-taken": 19}
    [winner] = [answer for answer in answers if not isinstance(answer, Exception)]
    await world.settle()
    assert await world.owner(ADA) == winner.id
    assert await world.address(ADA) == ["EmailClaimed"]
    page = await world.store.read_all(categories=("user", "credential"))
    assert {event.stream for event in page.events} == {
        f"user-{winner.id}",
        f"credential-{winner.id}",
    }


async def test_registration_when_ten_ask_the_same_at_once_then_all_get_the_same_answer(world):
    worlds = [world, world.restarted()]
    answers = await asyncio.gather(*(worlds[n % 2].register(ADA, key="k") for n in range(10)))
    assert len({(answer.id, answer.version) for answer in answers}) == 1
    assert await counted(world, f"user-{answers[0].id}", f"credential-{answers[0].id}") == [1, 1]
    assert await world.address(ADA) == ["EmailClaimed"]


async def test_address_when_two_change_to_it_at_once_then_one_has_it(world):
    users = [(await world.register(f"{n}@example.com")).id for n in range(6)]
    answers = await asyncio.gather(
        *(world.change(user_id, email=ADA) for user_id in users), return_exceptions=True
    )
    outcomes = Counter(getattr(answer, "code", "changed") for answer in answers)
    assert outcomes == {"changed": 1, "email-taken": 5}


async def test_caller_when_cancelled_midway_then_the_policy_completes_it(world):
    claimed = asyncio.Event()
    append = world.store.append

    async def no_answer_to_the_claim(stream, events, *, expected):
        appended = await append(stream, events, expected=expected)
        claimed.set()
        await asyncio.Event().wait()
        return appended

    cancelled = World(_With(world.store, no_answer_to_the_claim))
    task = asyncio.create_task(cancelled.register(ADA, user_id=some_id("ada")))
    await claimed.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await world.settle()
    assert await world.can_sign_in(ADA) == some_id("ada")


class _With:
    def __init__(self, store, append) -> None:
        self._store, self.append = store, append

    def __getattr__(self, name):
        return getattr(self._store, name)

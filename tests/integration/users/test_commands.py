"""Every command of Users: success, each refusal, nothing to do."""

from __future__ import annotations

import pytest

from contracts.commands.users import ChangePassword, ChangeRoles, DeactivateUser
from contracts.errors import (
    Forbidden,
    IdempotencyKeyReused,
    Invalid,
    NotFound,
    Refused,
    VersionMismatch,
)
from contracts.values import SYSTEM
from event_store.codec import decode_metadata
from tests.integration.users.world import ANONYMOUS, OPERATOR, PASSWORD, asked_by, some_id, user
from write_side.users.directory import Profile, profile

EVE = user(some_id("eve"))


@pytest.fixture
async def ada(world):
    return (await world.register("ada@example.com", key="ada")).id


async def password(world, user_id, current, new, *, actor=None, key=None):
    command = ChangePassword(user_id=user_id, current_password=current, new_password=new)
    return await world.bus.handle(command, asked_by(actor or user(user_id), key=key))


async def deactivate(world, user_id, actor=None):
    return await world.bus.handle(DeactivateUser(user_id=user_id), asked_by(actor or user(user_id)))


async def roles(world, user_id, actor=OPERATOR, **change):
    return await world.bus.handle(ChangeRoles(user_id=user_id, **change), asked_by(actor))


# RegisterUser


async def test_nobody_when_registering_then_a_customer_who_can_sign_in(world):
    answer = await world.register("ada@example.com", key="ada")
    assert (answer.version, answer.stream) == (0, f"user-{answer.id}")
    assert answer.position is not None
    expected = Profile(answer.id, "Ada", "ada@example.com", True, ("customer",))
    assert await profile(world.users, answer.id) == expected
    assert await world.can_sign_in("ada@example.com") == answer.id


async def test_nobody_when_registering_then_the_events_say_who_asked_for_what(world):
    answer = await world.register("ada@example.com", key="ada")
    for stream in (answer.stream, f"credential-{answer.id}"):
        [recorded] = await world.store.read_stream(stream)
        metadata = decode_metadata(recorded)
        assert (metadata.command, metadata.actor) == ("RegisterUser", ANONYMOUS)


async def test_nobody_when_registering_then_no_stream_shows_password_or_address(world):
    answer = await world.register("ada@example.com", key="ada")
    page = await world.store.read_all()
    assert all(PASSWORD.encode() not in event.data for event in page.events)
    assert all("ada" not in event.stream for event in page.events)
    assert b"argon2id" in (await world.store.read_stream(f"credential-{answer.id}"))[0].data


@pytest.mark.parametrize(
    "variant", ["ada@example.com", "ADA@Example.COM", "Ada@example.com"], ids=str
)
async def test_registered_when_another_registers_the_address_then_taken(world, ada, variant):
    with pytest.raises(Refused) as refused:
        await world.register(variant, key="eve")
    assert refused.value.code == "email-taken"
    assert await world.owner(variant) == ada


async def test_address_when_composed_otherwise_then_the_same_address(world):
    assert world.claims.same_address("caf\u00e9@example.com", "CAFE\u0301@example.com")
    assert world.claims.same_address("stra\u00dfe@example.com", "STRASSE@example.com")
    assert not world.claims.same_address("cafe@example.com", "caf\u00e9@example.com")


async def test_registered_when_the_user_id_comes_again_then_refused(world, ada):
    with pytest.raises(Refused) as refused:
        await world.register("other@example.com", user_id=ada)
    assert refused.value.code == "user-exists"
    assert await world.address("other@example.com") == []


@pytest.mark.parametrize("given", [("operator",), ("customer", "auditor"), ()])
async def test_nobody_when_anyone_registers_with_other_roles_then_forbidden(world, given):
    for actor in (ANONYMOUS, EVE):
        with pytest.raises(Forbidden):
            await world.register("ada@example.com", roles=given, actor=actor)


@pytest.mark.parametrize("actor", [OPERATOR, SYSTEM], ids=lambda actor: actor.kind)
async def test_nobody_when_operators_register_with_other_roles_then_they_have_them(world, actor):
    answer = await world.register("o@example.com", roles=("operator", "auditor"), actor=actor)
    assert (await world.users.load(answer.id)).roles == ("operator", "auditor")


async def test_nobody_when_anyone_registers_without_a_password_then_invalid(world):
    with pytest.raises(Invalid) as invalid:
        await world.register("ada@example.com", password=None)
    assert invalid.value.path == "password"


async def test_imported_without_a_password_when_signing_in_then_never(world):
    answer = await world.register("ada@example.com", password=None, actor=SYSTEM)
    assert (await world.users.load(answer.id)).active
    for tried in ("", PASSWORD):
        assert await world.can_sign_in("ada@example.com", tried) is None
    with pytest.raises(Forbidden):
        await password(world, answer.id, "", "a new password")


# ChangeProfile


async def test_registered_when_changing_name_and_email_then_changed(world, ada):
    answer = await world.change(ada, name="Ada L.", email="lovelace@example.com", version=0)
    assert answer.version == 1
    assert await profile(world.users, ada) == Profile(
        ada, "Ada L.", "lovelace@example.com", True, ("customer",)
    )
    assert await world.can_sign_in("lovelace@example.com") == ada
    assert await world.can_sign_in("ada@example.com") is None


async def test_registered_when_changing_the_name_only_then_no_claim(world, ada):
    await world.change(ada, name="Ada L.")
    assert await world.address("ada@example.com") == ["EmailClaimed"]


async def test_registered_when_writing_the_address_otherwise_then_changed_with_no_claim(world, ada):
    await world.change(ada, email="Ada@example.com")
    assert (await world.users.load(ada)).email == "Ada@example.com"
    assert await world.address("ada@example.com") == ["EmailClaimed"]
    assert await world.can_sign_in("ada@example.com") == ada


async def test_registered_when_changing_nothing_then_nothing(world, ada):
    for same in ({}, {"name": "Ada"}, {"name": "Ada", "email": "ada@example.com"}):
        answer = await world.change(ada, **same)
        assert answer.version == 0
    assert await world.types(f"user-{ada}") == ["UserRegistered"]


async def test_registered_when_another_has_the_address_then_taken(world, ada):
    eve = (await world.register("eve@example.com")).id
    with pytest.raises(Refused) as refused:
        await world.change(eve, email="ada@example.com", name="Eve")
    assert refused.value.code == "email-taken"
    assert await world.types(f"user-{eve}") == ["UserRegistered"]
    assert await world.owner("ada@example.com") == ada


async def test_registered_when_somebody_else_changes_it_then_forbidden(world, ada):
    for actor in (EVE, ANONYMOUS):
        with pytest.raises(Forbidden):
            await world.change(ada, name="Eve", actor=actor)


async def test_registered_when_an_operator_changes_it_then_changed(world, ada):
    assert (await world.change(ada, name="Ada L.", actor=OPERATOR)).version == 1


async def test_registered_when_another_version_is_expected_then_mismatch(world, ada):
    with pytest.raises(VersionMismatch):
        await world.change(ada, email="lovelace@example.com", version=4)
    assert await world.address("lovelace@example.com") == []


async def test_nobody_when_changing_a_profile_then_not_found(world):
    with pytest.raises(NotFound) as missing:
        await world.change(some_id("nobody"), name="Ada")
    assert missing.value.code == "user-not-found"


async def test_closed_when_changing_then_refused(world, ada):
    await deactivate(world, ada)
    for attempt in (
        world.change(ada, name="Eve"),
        roles(world, ada, grant=("auditor",)),
        password(world, ada, PASSWORD, "a new password"),
    ):
        with pytest.raises(Refused) as refused:
            await attempt
        assert refused.value.code == "user-deactivated"


# ChangePassword


async def test_registered_when_changing_the_password_then_only_the_new_one_is_good(world, ada):
    answer = await password(world, ada, PASSWORD, "a new password", key="p")
    assert (answer.id, answer.version) == (ada, 1)
    assert await world.can_sign_in("ada@example.com", "a new password") == ada
    assert await world.can_sign_in("ada@example.com") is None


async def test_changed_password_when_the_request_comes_again_then_the_same_answer(world, ada):
    first = await password(world, ada, PASSWORD, "a new password", key="p")
    again = await password(world, ada, PASSWORD, "a new password", key="p")
    assert (again.id, again.version) == (first.id, first.version)
    with pytest.raises(IdempotencyKeyReused):
        await password(world, ada, PASSWORD, "yet another one", key="p")


async def test_registered_when_the_current_password_is_wrong_then_forbidden(world, ada):
    with pytest.raises(Forbidden) as forbidden:
        await password(world, ada, "a wrong guess", "a new password")
    assert forbidden.value.code == "wrong-password"
    assert await world.can_sign_in("ada@example.com") == ada


async def test_registered_when_the_new_password_is_the_current_then_nothing(world, ada):
    assert (await password(world, ada, PASSWORD, PASSWORD)).version == 0


async def test_registered_when_somebody_else_changes_the_password_then_forbidden(world, ada):
    with pytest.raises(Forbidden):
        await password(world, ada, PASSWORD, "a new password", actor=EVE)


async def test_nobody_when_changing_the_password_then_not_found(world):
    with pytest.raises(NotFound):
        await password(world, some_id("nobody"), PASSWORD, "a new password")


# DeactivateUser


@pytest.mark.parametrize("actor", [None, OPERATOR])
async def test_registered_when_deactivated_then_no_sign_in_and_the_address_stays(world, ada, actor):
    await deactivate(world, ada, actor)
    assert await world.can_sign_in("ada@example.com") is None
    with pytest.raises(Refused) as refused:
        await world.register("ada@example.com")
    assert refused.value.code == "email-taken"


async def test_closed_when_deactivated_then_nothing(world, ada):
    await deactivate(world, ada)
    assert (await deactivate(world, ada)).version == 1


async def test_registered_when_somebody_else_deactivates_then_forbidden(world, ada):
    with pytest.raises(Forbidden):
        await deactivate(world, ada, EVE)


async def test_nobody_when_deactivated_then_not_found(world):
    with pytest.raises(NotFound):
        await deactivate(world, some_id("nobody"), OPERATOR)


# ChangeRoles


async def test_customer_when_roles_change_then_changed(world, ada):
    answer = await roles(world, ada, grant=("operator", "auditor"), revoke=("customer",))
    assert answer.version == 3
    assert (await world.users.load(ada)).roles == ("operator", "auditor")


async def test_customer_when_roles_are_so_already_then_nothing(world, ada):
    assert (await roles(world, ada, grant=("customer",), revoke=("operator",))).version == 0


async def test_customer_when_anyone_but_operators_changes_roles_then_forbidden(world, ada):
    for actor in (ANONYMOUS, user(ada)):
        with pytest.raises(Forbidden):
            await roles(world, ada, actor, grant=("operator",))


async def test_nobody_when_roles_change_then_not_found(world):
    with pytest.raises(NotFound):
        await roles(world, some_id("nobody"), grant=("operator",))


async def test_nobody_when_asked_for_a_profile_then_none(world):
    assert await profile(world.users, some_id("nobody")) is None

from contracts.events.users import (
    ProfileChanged,
    RoleGranted,
    RoleRevoked,
    UserDeactivated,
    UserRegistered,
)
from tests.support.aggregates import AT, given, happened
from write_side.users.user import User

REGISTERED = happened(UserRegistered, name="Ada", email="ada@example.com", roles=("customer",))
CLOSED = happened(UserDeactivated)


def test_nobody_when_registering_then_registered():
    outcome = given(User).when(lambda u: u.register("Ada", "ada@example.com", ["customer"], at=AT))
    outcome.then(REGISTERED)
    assert outcome.aggregate.active


def test_registered_when_registering_again_then_refused():
    given(User, REGISTERED).when(
        lambda u: u.register("Ada", "ada@example.com", ["customer"], at=AT)
    ).refused("user-exists")


def test_registered_when_changing_the_name_then_the_email_stays():
    given(User, REGISTERED).when(lambda u: u.change_profile("Ada L.", None, at=AT)).then(
        happened(ProfileChanged, name="Ada L.", email="ada@example.com")
    )


def test_registered_when_changing_the_email_then_the_name_stays():
    given(User, REGISTERED).when(lambda u: u.change_profile(None, "a@example.com", at=AT)).then(
        happened(ProfileChanged, name="Ada", email="a@example.com")
    )


def test_registered_when_changing_to_the_same_profile_then_nothing():
    given(User, REGISTERED).when(
        lambda u: u.change_profile("Ada", "ada@example.com", at=AT)
    ).nothing()


def test_closed_when_changing_the_profile_then_refused():
    given(User, REGISTERED, CLOSED).when(lambda u: u.change_profile("Eve", None, at=AT)).refused(
        "user-deactivated"
    )


def test_registered_when_deactivating_then_closed():
    outcome = given(User, REGISTERED).when(lambda u: u.deactivate(at=AT)).then(CLOSED)
    assert not outcome.aggregate.active


def test_closed_when_deactivating_then_nothing():
    given(User, REGISTERED, CLOSED).when(lambda u: u.deactivate(at=AT)).nothing()


def test_customer_when_granting_and_revoking_then_each_is_an_event():
    outcome = given(User, REGISTERED).when(
        lambda u: u.change_roles(["operator", "operator"], ["customer"], at=AT)
    )
    outcome.then(happened(RoleGranted, role="operator"), happened(RoleRevoked, role="customer"))
    assert outcome.aggregate.roles == ("operator",)


def test_customer_when_roles_are_so_already_then_nothing():
    given(User, REGISTERED).when(
        lambda u: u.change_roles(["customer"], ["operator"], at=AT)
    ).nothing()


def test_customer_when_one_role_is_granted_and_revoked_then_it_is_not_there():
    given(User, REGISTERED).when(
        lambda u: u.change_roles(["auditor"], ["auditor"], at=AT)
    ).nothing()


def test_closed_when_changing_roles_then_refused():
    given(User, REGISTERED, CLOSED).when(lambda u: u.change_roles(["auditor"], [], at=AT)).refused(
        "user-deactivated"
    )

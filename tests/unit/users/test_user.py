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
    outcome = given(User).when(lambda u: u.register(AT, "Ada", "ada@example.com", ["customer"]))
    outcome.then(REGISTERED)
    assert outcome.aggregate.active


def test_registered_when_registering_again_then_refused():
    given(User, REGISTERED).when(
        lambda u: u.register(AT, "Ada", "ada@example.com", ["customer"])
    ).refused("user-exists")


def test_registered_when_changing_the_name_then_the_email_stays():
    given(User, REGISTERED).when(lambda u: u.change_profile(AT, "Ada L.", None)).then(
        happened(ProfileChanged, name="Ada L.", email="ada@example.com")
    )


def test_registered_when_changing_the_email_then_the_name_stays():
    given(User, REGISTERED).when(lambda u: u.change_profile(AT, None, "a@example.com")).then(
        happened(ProfileChanged, name="Ada", email="a@example.com")
    )


def test_registered_when_changing_to_the_same_profile_then_nothing():
    given(User, REGISTERED).when(lambda u: u.change_profile(AT, "Ada", "ada@example.com")).nothing()


def test_closed_when_changing_the_profile_then_refused():
    given(User, REGISTERED, CLOSED).when(lambda u: u.change_profile(AT, "Eve", None)).refused(
        "user-deactivated"
    )


def test_registered_when_deactivating_then_closed():
    outcome = given(User, REGISTERED).when(lambda u: u.deactivate(AT)).then(CLOSED)
    assert not outcome.aggregate.active


def test_closed_when_deactivating_then_nothing():
    given(User, REGISTERED, CLOSED).when(lambda u: u.deactivate(AT)).nothing()


def test_customer_when_granting_and_revoking_then_each_is_an_event():
    outcome = given(User, REGISTERED).when(
        lambda u: u.change_roles(AT, ["operator", "operator"], ["customer"])
    )
    outcome.then(happened(RoleGranted, role="operator"), happened(RoleRevoked, role="customer"))
    assert outcome.aggregate.roles == ("operator",)


def test_customer_when_roles_are_so_already_then_nothing():
    given(User, REGISTERED).when(lambda u: u.change_roles(AT, ["customer"], ["operator"])).nothing()


def test_customer_when_one_role_is_granted_and_revoked_then_it_is_not_there():
    given(User, REGISTERED).when(lambda u: u.change_roles(AT, ["auditor"], ["auditor"])).nothing()


def test_closed_when_changing_roles_then_refused():
    given(User, REGISTERED, CLOSED).when(lambda u: u.change_roles(AT, ["auditor"], [])).refused(
        "user-deactivated"
    )

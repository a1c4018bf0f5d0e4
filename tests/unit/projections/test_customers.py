"""Each event of a user, and what the profile shows afterwards."""

from __future__ import annotations

from contracts.events.users import (
    ProfileChanged,
    RoleGranted,
    RoleRevoked,
    UserDeactivated,
    UserRegistered,
)
from projections.customers import Customers
from tests.support.aggregates import happened
from tests.support.projections import given, stream

REGISTERED = happened(UserRegistered, name="Ada", email="ada@example.com", roles=("customer",))
DOCUMENT = {
    "id": "1",
    "version": 0,
    "name": "Ada",
    "email": "ada@example.com",
    "roles": ["customer"],
    "status": "active",
    "registered_at": "2026-01-05T10:00:00.000000Z",
    "updated_at": "2026-01-05T10:00:00.000000Z",
}
OTHER = stream(
    "user-2", happened(UserRegistered, name="Bo", email="bo@example.com", roles=("operator",))
)


def given_user(*events):
    return given(Customers(), stream("user-1", REGISTERED, *events), OTHER)


def test_nothing_when_registered_then_the_profile_is_shown():
    given_user().then("1", DOCUMENT)


def test_active_when_profile_changed_then_the_latest_is_shown():
    given_user(happened(ProfileChanged, name="Ada L.", email="al@example.com")).then(
        "1",
        DOCUMENT
        | {
            "version": 1,
            "name": "Ada L.",
            "email": "al@example.com",
            "updated_at": "2026-01-05T10:01:00.000000Z",
        },
    )


def test_active_when_deactivated_then_status_says_so():
    given_user(happened(UserDeactivated)).shows("1", version=1, status="deactivated")


def test_customer_when_role_granted_then_it_is_added_once():
    granted = happened(RoleGranted, role="auditor")
    given_user(granted, granted).shows("1", version=2, roles=["customer", "auditor"])


def test_two_roles_when_one_revoked_then_the_other_stays():
    given_user(happened(RoleGranted, role="auditor"), happened(RoleRevoked, role="customer")).shows(
        "1", version=2, roles=["auditor"]
    )


def test_no_user_when_changed_then_the_stream_is_parked():
    given(Customers(), stream("user-1", happened(UserDeactivated))).parks("user-1", version=0)

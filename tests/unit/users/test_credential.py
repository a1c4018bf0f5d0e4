from contracts.events.users import PasswordSet
from tests.support.aggregates import AT, given, happened
from write_side.users.credential import Credential


def test_none_when_setting_a_password_then_set():
    given(Credential).when(lambda c: c.set_password("$hash", at=AT)).then(
        happened(PasswordSet, password_hash="$hash")
    )


def test_set_when_setting_the_same_hash_then_nothing():
    given(Credential, happened(PasswordSet, password_hash="$hash")).when(
        lambda c: c.set_password("$hash", at=AT)
    ).nothing()

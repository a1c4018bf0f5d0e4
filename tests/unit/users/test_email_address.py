import pytest

from contracts.events.users import EmailClaimed, EmailReleased, PreparedEvent
from tests.support.aggregates import AT, given, happened
from write_side.users.email_address import EmailAddress

PREPARED = (PreparedEvent("id", "user-u", 0, "UserRegistered", "{}", "{}"),)
CLAIMED = happened(EmailClaimed, user_id="u", user_version=0, prepared=PREPARED)
RELEASED = happened(EmailReleased, user_id="u")


@pytest.mark.parametrize("history", [[], [CLAIMED, RELEASED]])
def test_free_when_claimed_then_held(history):
    outcome = given(EmailAddress, *history).when(lambda e: e.claim("u", 0, PREPARED, at=AT))
    outcome.then(CLAIMED)
    assert outcome.aggregate.holder == "u"


def test_held_when_its_holder_claims_again_then_claimed():
    again = happened(EmailClaimed, user_id="u", user_version=4, prepared=PREPARED)
    given(EmailAddress, CLAIMED).when(lambda e: e.claim("u", 4, PREPARED, at=AT)).then(again)


def test_held_when_another_claims_then_refused():
    given(EmailAddress, CLAIMED).when(lambda e: e.claim("v", 0, PREPARED, at=AT)).refused(
        "email-taken"
    )


def test_held_when_released_then_free():
    outcome = given(EmailAddress, CLAIMED).when(lambda e: e.release(at=AT)).then(RELEASED)
    assert outcome.aggregate.holder is None


@pytest.mark.parametrize("history", [[], [CLAIMED, RELEASED]])
def test_free_when_released_then_nothing(history):
    given(EmailAddress, *history).when(lambda e: e.release(at=AT)).nothing()

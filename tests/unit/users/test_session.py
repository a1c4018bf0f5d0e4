from datetime import timedelta

from contracts.events.users import SessionRefreshed, SessionRevoked, SessionStarted
from tests.support.aggregates import AT, given, happened
from write_side.users.session import Session

LATER = AT + timedelta(days=30)
STARTED = happened(
    SessionStarted, user_id="u", credential_version=0, token_hash="one", expires_at=LATER
)
REFRESHED = happened(SessionRefreshed, token_hash="two", expires_at=LATER)
REVOKED = happened(SessionRevoked, reason="a used refresh token came again")


def test_none_when_started_then_started():
    given(Session).when(lambda s: s.start("u", 0, "one", LATER, at=AT)).then(STARTED)


def test_started_when_refreshed_with_its_token_then_it_has_the_next():
    outcome = given(Session, STARTED).when(lambda s: s.refresh("one", "two", LATER, at=AT))
    outcome.then(REFRESHED)
    assert outcome.result is True


def test_refreshed_when_the_first_token_comes_again_then_revoked():
    outcome = given(Session, STARTED, REFRESHED).when(
        lambda s: s.refresh("one", "three", LATER, at=AT)
    )
    outcome.then(REVOKED)
    assert outcome.result is False


def test_revoked_when_refreshed_with_the_newest_token_then_nothing():
    outcome = given(Session, STARTED, REFRESHED, REVOKED).when(
        lambda s: s.refresh("two", "three", LATER, at=AT)
    )
    assert outcome.nothing().result is False


def test_expired_when_refreshed_then_nothing():
    outcome = given(Session, STARTED).when(lambda s: s.refresh("one", "two", LATER, at=LATER))
    assert outcome.nothing().result is False


def test_not_started_when_refreshed_then_nothing():
    outcome = given(Session).when(lambda s: s.refresh("", "two", LATER, at=AT))
    assert outcome.nothing().result is False

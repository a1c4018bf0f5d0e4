import pytest

from contracts.events.users import UserRegistered
from tests.support.aggregates import ID, happened, replayed
from tests.unit.users.test_email_address import CLAIMED
from tests.unit.users.test_session import REFRESHED, STARTED
from write_side.kernel.aggregate import dump_state, restore_state
from write_side.users.email_address import EmailAddress
from write_side.users.session import Session
from write_side.users.user import User

REGISTERED = happened(UserRegistered, name="Ada", email="ada@example.com", roles=("customer",))


@pytest.mark.parametrize(
    ("aggregate_type", "history"),
    [(User, [REGISTERED]), (EmailAddress, [CLAIMED]), (Session, [STARTED, REFRESHED])],
)
def test_aggregate_when_restored_from_its_snapshot_then_the_same(aggregate_type, history):
    aggregate = replayed(aggregate_type, *history)
    restored = aggregate_type.blank(ID)
    restore_state(restored, aggregate.version, dump_state(aggregate))
    assert dump_state(restored) == dump_state(aggregate)
    assert restored == aggregate

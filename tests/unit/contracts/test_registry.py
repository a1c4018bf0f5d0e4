from __future__ import annotations

import pytest
from eventsourcing.utils import resolve_topic

from contracts.events.base import Event
from contracts.registry import CATEGORIES, EVENT_TYPES, PUBLISHED, category_of, id_of, is_secret


@pytest.mark.parametrize("event_type", EVENT_TYPES.values(), ids=EVENT_TYPES)
def test_every_event_has_a_category_and_a_topic_of_its_own(event_type: type[Event]):
    assert event_type.CATEGORY in CATEGORIES
    assert f"{event_type.CATEGORY}.{event_type.__name__}" == event_type.TOPIC
    assert resolve_topic(event_type.TOPIC) is event_type


def test_no_event_of_the_contexts_was_forgotten():
    in_contracts = {
        event.__name__
        for base in Event.__subclasses__()
        for event in base.__subclasses__()
        if event.__module__.startswith("contracts.")
    }
    assert in_contracts == EVENT_TYPES.keys()


@pytest.mark.parametrize("stream", ["credential-1", "email-1", "session-1", "unknown-1", "user"])
def test_secret_and_unknown_streams_are_never_shown(stream: str):
    assert is_secret(stream) is (stream != "user")
    assert category_of(stream) in PUBLISHED or stream != "user"


def test_the_id_is_all_that_follows_the_first_dash():
    assert category_of("order-1-2-3") == "order"
    assert id_of("order-1-2-3") == "1-2-3"


def test_no_category_holds_the_separator():
    assert not [name for name in CATEGORIES if "-" in name]

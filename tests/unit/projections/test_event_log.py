"""The index of events, and what all projectors promise together."""

from __future__ import annotations

import inspect
import json
from types import SimpleNamespace

import pytest

from contracts.documents import DOCUMENT_TYPES, DocumentType
from contracts.events.users import UserRegistered
from contracts.registry import CATEGORIES, EVENT_TYPES, PUBLISHED
from projections import projector as projector_module
from projections.catalogue import PROJECTORS
from projections.event_log import EventLog
from projections.projector import fingerprint
from tests.support.aggregates import happened
from tests.support.projections import ADA, STORE, given, stored, stream

REGISTERED = happened(UserRegistered, name="Ada", email="ada@example.com", roles=("customer",))
USER = stream("user-1", REGISTERED)
DOCUMENT = {
    "event_id": str(USER[0].id),
    "stream": "user-1",
    "version": 0,
    "category": "user",
    "type": "UserRegistered",
    "occurred_at": "2026-01-05T10:00:00.000000Z",
    "recorded_at": "2026-01-05T10:00:01.000000Z",
    "position": "00000000000000000001",
    "store": STORE,
    "actor_kind": "user",
    "actor_id": ADA.id,
    "command": "DoSomething",
    "command_id": "command",
    "correlation_id": "correlation",
    "causation_id": "cause",
}


def test_nothing_when_an_event_is_recorded_then_it_is_listed_without_its_data():
    given(EventLog(), USER).then(DOCUMENT["event_id"], DOCUMENT)
    assert "ada@example.com" not in json.dumps(DOCUMENT)


def test_unknown_type_when_recorded_then_it_is_listed_too():
    events = stream("order-1", stored("OrderPainted", schema_version=7, colour="red"))
    given(EventLog(), events).shows(str(events[0].id), type="OrderPainted", version=0)


def test_each_event_has_a_document_of_its_own():
    events = stream("order-1", stored("A"), stored("B"), first=5)
    given(EventLog(), events).shows(str(events[0].id), version=5).shows(
        str(events[1].id), version=6
    )


def test_only_published_categories_are_listed():
    assert set(EventLog.categories) == {
        name for name, category in CATEGORIES.items() if category.published
    }
    assert not any(CATEGORIES[name].secret for name in EventLog.categories)


def test_every_projector_makes_the_documents_of_its_name():
    assert set(PROJECTORS) == set(DOCUMENT_TYPES)
    for name, projector in PROJECTORS.items():
        assert projector.document_type is DOCUMENT_TYPES[name]
        assert set(projector.categories) <= set(PUBLISHED)


def test_every_published_event_type_is_handled_by_a_projector_of_its_category():
    for event_type in EVENT_TYPES.values():
        if event_type.CATEGORY in PUBLISHED:
            own = [
                p
                for p in PROJECTORS.values()
                if p.handles is not None and event_type.CATEGORY in p.categories
            ]
            assert any(event_type in p.handles for p in own), event_type


@pytest.mark.parametrize("name", PROJECTORS)
def test_fingerprint_is_stable_and_follows_the_code(name, monkeypatch):
    before = fingerprint(PROJECTORS[name])
    assert before == fingerprint(type(PROJECTORS[name])())
    source = inspect.getsource
    monkeypatch.setattr(
        projector_module, "inspect", SimpleNamespace(getsource=lambda m: source(m) + "\n# more")
    )
    # Of a projector not seen before: code does not change while a process runs.
    assert fingerprint(type(PROJECTORS[name])()) != before


def test_fingerprint_follows_the_document_type():
    class Same(EventLog):
        pass

    class Other(EventLog):
        document_type = DocumentType("event_log", {})

    assert fingerprint(Other()) != fingerprint(Same())


def test_fingerprints_of_projectors_differ():
    assert len({fingerprint(one) for one in PROJECTORS.values()}) == len(PROJECTORS)

"""Events in words: who did what, on one line."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.events.sales import ItemRemoved, ProductDetailsChanged, ProductPriceChanged
from contracts.events.users import ProfileChanged, RoleGranted
from contracts.registry import PUBLISHED
from contracts.values import SYSTEM, Actor
from read_side.audit.words import name_of, sentence
from tests.support.aggregates import AT, ID
from tests.support.projections import metadata_at
from tests.unit.contracts.samples import SAMPLES, TEA

SHOWN = [name for name, sample in SAMPLES.items() if sample.CATEGORY in PUBLISHED]


def said(event_type: type, before: dict[str, Any] | None = None, **data: Any) -> str:
    event = event_type(originator_id=ID, originator_version=1, timestamp=AT, **data)
    return sentence("Ada", event, before, metadata_at(AT))


@pytest.mark.parametrize("name", SHOWN)
def test_every_event_that_can_be_shown_has_words_of_its_own(name: str) -> None:
    text = sentence("Ada", SAMPLES[name], None, metadata_at(AT))
    assert text.startswith("Ada ")
    assert "caused" not in text
    assert name not in text
    assert text == " ".join(text.split())


def test_what_was_before_is_told_where_it_matters() -> None:
    tea = {"name": "Tea", "description": "green", "price": {"amount": "9.00", "currency": "EUR"}}
    assert said(ProductPriceChanged, tea, price=TEA) == (
        "Ada changed the price of Tea from 9.00 EUR to 12.50 EUR"
    )
    assert said(ProductDetailsChanged, tea, name="Tea", description="black") == (
        'Ada changed the description of Tea to "black"'
    )
    assert said(ProductDetailsChanged, tea, name="Chai", description="green") == (
        'Ada changed the name of the product to "Chai"'
    )
    order = {"items": [{"item_id": "i", "quantity": 3, "product_name": "Tea"}]}
    assert said(ItemRemoved, order, item_id="i") == "Ada took 3 x Tea out of the order"
    assert said(ItemRemoved, order, item_id="j") == "Ada took the line j out of the order"
    eve = {"name": "Eve", "email": "e@x.org"}
    assert said(ProfileChanged, eve, name="Eva", email="e@x.org") == (
        "Ada changed the name from Eve to Eva"
    )
    assert said(RoleGranted, eve, role="auditor") == "Ada gave Eve the role auditor"


@pytest.mark.parametrize(
    ("actor", "name"),
    [
        (Actor("user", "1", ("customer",)), "Ada Lovelace"),
        (Actor("user", "2", ()), "User 2"),
        (Actor("service", "shipping", ("service",)), "The service shipping"),
        (Actor("anonymous", "anonymous"), "A visitor"),
        (SYSTEM, "The system"),
    ],
)
def test_who_it_was(actor: Actor, name: str) -> None:
    assert name_of(actor, {"1": "Ada Lovelace"}) == name

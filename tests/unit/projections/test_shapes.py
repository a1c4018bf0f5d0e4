"""Money and times in documents are what their exact types say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.values import MAX_MINOR, Money
from projections.shapes import day_of, minor_document, money_document, time_text

MINORS = st.integers(1 - MAX_MINOR, MAX_MINOR - 1) | st.integers(-1000, 1000)


@given(MINORS, st.sampled_from(["EUR", "JPY", "KWD", "CLF"]))
def test_minor_units_when_shown_then_they_are_the_same_money(minor, currency):
    shown = minor_document(minor, currency)
    assert shown == money_document(Money.from_minor(minor, currency))
    assert shown["minor"] == minor


@pytest.mark.parametrize("minor", [MAX_MINOR, -MAX_MINOR])
@pytest.mark.parametrize("currency", ["EUR", "JPY"])
def test_too_many_minor_units_when_shown_then_they_are_refused(minor, currency):
    with pytest.raises(ValueError, match="too large"):
        minor_document(minor, currency)


@given(st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=2))])))
def test_time_when_shown_then_it_is_utc_at_a_fixed_width(time):
    try:
        expected = time.astimezone(UTC)
    except OverflowError:  # within two hours of the first year's beginning
        return
    text = time_text(time)
    assert len(text) == 27
    assert text.endswith("Z")
    assert datetime.fromisoformat(text) == expected
    assert day_of(text) == expected.date().isoformat()


def test_time_without_a_zone_when_shown_then_it_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        time_text(datetime(2026, 1, 5))  # noqa: DTZ001

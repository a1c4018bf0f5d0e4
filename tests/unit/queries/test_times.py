from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from read_side.queries.times import shown_time, stored_time, time_from
from read_side.queries.views import minor_view


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-05", "2026-01-05T00:00:00.000000Z"),
        ("2026-01-05T10:00", "2026-01-05T10:00:00.000000Z"),
        ("2026-01-05T10:00:00", "2026-01-05T10:00:00.000000Z"),
        ("2026-01-05t10:00:00z", "2026-01-05T10:00:00.000000Z"),
        ("2026-01-05T10:00:00.5Z", "2026-01-05T10:00:00.500000Z"),
        ("2026-01-05T10:00:00.123456789Z", "2026-01-05T10:00:00.123456Z"),
        ("2026-01-05T00:30:00+01:00", "2026-01-04T23:30:00.000000Z"),
        ("0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00.000000Z"),
        ("9999-12-31T23:59:59-12:00", "9999-12-31T23:59:59.999999Z"),
    ],
)
def test_time_when_written_by_a_caller_then_read(text, expected):
    assert stored_time(time_from(text)) == expected


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2026", "2026-13-01", "2026-02-30", "2026-01-05T24:00:01Z", "20260105",
     "2026-01-05T10:00:00 01:00", "2026-01-05T10:00:00+99:00", "2026-01-05T10:00:60Z",
     "2026-W01-1", "١٩٩٩-01-01", "2026-01-05Z", "0000-01-01", "10000-01-01", "2026-01-05\n"],
)  # fmt: skip
def test_text_when_no_time_then_refused(text):
    with pytest.raises(ValueError, match=r"."):
        time_from(text)


@given(st.datetimes(timezones=st.just(UTC)))
def test_time_when_stored_and_shown_then_the_same_moment(time):
    text = shown_time(stored_time(time))
    assert datetime.fromisoformat(text) == time
    assert text.endswith("Z")
    assert ("." in text) == (time.microsecond != 0)


@pytest.mark.parametrize(
    ("minor", "currency", "amount"),
    [
        (0, "EUR", "0.00"),
        (5, "EUR", "0.05"),
        (-1250, "EUR", "-12.50"),
        (7, "JPY", "7"),
        (10**40, "JPY", "1" + "0" * 40),
        (10**40 + 1, "KWD", "1" + "0" * 37 + ".001"),
    ],
)
def test_minor_units_when_shown_then_exact(minor, currency, amount):
    assert minor_view(minor, currency) == {"amount": amount, "currency": currency}

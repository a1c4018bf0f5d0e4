"""Files with values that no software of ours writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from event_store.errors import EventStoreError
from tests.integration.tamper.conftest import ORDER
from tests.support.tampering import change, verify_file


@pytest.mark.parametrize(
    "value", ["'two'", "2.5", "-3", "x'02'", "9223372036854775807", "8"], ids=str
)
async def test_a_version_of_any_kind_is_found(path: Path, value: str):
    at = "WHERE stream = ? AND version = 2"
    change(path, (f"UPDATE events SET version = {value} {at}", (ORDER,)))
    named = await verify_file(path)
    assert (named[0].stream, named[0].version, named[0].fault) == (ORDER, 2, "missing")


@pytest.mark.parametrize(
    "setting",
    ["id = 'text'", "recorded_at = 1e300", "recorded_at = 'then'", "stream = CAST(x'ff' AS TEXT)"],
)
async def test_what_can_not_be_read_at_all_is_an_error_that_says_so(path: Path, setting: str):
    at = "WHERE stream = ? AND version = 2"
    change(path, (f"UPDATE events SET {setting} {at}", (ORDER,)))
    with pytest.raises(EventStoreError):
        await verify_file(path)

"""Ids are what the uuid module would make."""

from __future__ import annotations

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from contracts.ids import new_id, new_uuid, uuid_text


@given(st.binary(min_size=16, max_size=16), st.sampled_from([4, 5]))
def test_text_is_that_of_the_uuid_module(block: bytes, version: int) -> None:
    assert uuid_text(block, version) == str(UUID(bytes=block, version=version))


def test_new_ids_are_random_uuids_and_never_the_same() -> None:
    made = [new_id() for _ in range(2000)] + [str(new_uuid()) for _ in range(2000)]
    assert len(set(made)) == 4000
    assert {UUID(one).version for one in made} == {4}

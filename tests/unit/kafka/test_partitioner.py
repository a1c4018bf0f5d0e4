"""Partitions are those that Kafka's own partitioner chooses."""

from __future__ import annotations

import pytest
from aiokafka.partitioner import murmur2 as theirs
from hypothesis import given
from hypothesis import strategies as st

from event_store.kafka.partitioner import murmur2, partition_number


@given(st.binary(max_size=70))
def test_any_key_when_hashed_then_it_is_what_another_client_makes_of_it(key: bytes):
    assert murmur2(key) == theirs(key)


# As Kafka's own tests of `Utils.murmur2` have it.
@pytest.mark.parametrize(
    ("key", "signed"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_known_key_when_hashed_then_it_is_what_kafka_makes_of_it(key: bytes, signed: int):
    assert murmur2(key) == signed % 2**32


@given(st.binary(max_size=40), st.integers(1, 1000))
def test_any_key_when_placed_then_the_partition_is_there(key: bytes, of: int):
    assert 0 <= partition_number(key, of) < of

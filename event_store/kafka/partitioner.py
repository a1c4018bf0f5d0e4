"""Kafka's own way from a key to a partition, so that all producers and consumers agree on it."""

from __future__ import annotations

import struct

_SEED = 0x9747B28C
_MULTIPLIER = 0x5BD1E995
_ALL = 0xFFFFFFFF
_POSITIVE = 0x7FFFFFFF


def partition_number(key: bytes, of: int) -> int:
    """The number of the partition, of so many, that Kafka's default partitioner chooses."""
    return (murmur2(key) & _POSITIVE) % of


def murmur2(key: bytes) -> int:
    """MurmurHash2 in 32 bits, unsigned, with the seed that Kafka's clients use."""
    length = len(key)
    words, rest = divmod(length, 4)
    hashed = _SEED ^ length
    for word in struct.unpack_from(f"<{words}I", key):
        word = word * _MULTIPLIER & _ALL
        word = (word ^ word >> 24) * _MULTIPLIER & _ALL
        hashed = hashed * _MULTIPLIER & _ALL ^ word
    if rest:
        hashed = (hashed ^ int.from_bytes(key[-rest:], "little")) * _MULTIPLIER & _ALL
    hashed = (hashed ^ hashed >> 13) * _MULTIPLIER & _ALL
    return hashed ^ hashed >> 15

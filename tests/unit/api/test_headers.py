from __future__ import annotations

import pytest

from api.http.errors import Malformed
from api.http.headers import idempotency_key, if_match, traceparent
from api.http.middleware import clean_correlation_id


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ("abc", "abc"),
        ('"abc"', "abc"),
        ('a"b', 'a"b'),
        ("with space", "with space"),
        ("x" * 255, "x" * 255),
        ('"' + "x" * 255 + '"', "x" * 255),
    ],
)
def test_idempotency_key_bare_or_quoted(given, key):
    assert idempotency_key(given) == key


@pytest.mark.parametrize(
    "given", ["", '"', '""', '"a', "x" * 256, "tab\there", "caf\xe9", "nul\0", "line\n"]
)
def test_idempotency_key_when_not_printable_then_malformed(given):
    with pytest.raises(Malformed):
        idempotency_key(given)


@pytest.mark.parametrize(("given", "version"), [('"3"', 3), ("3", 3), (' "0" ', 0), ("*", None)])
def test_if_match_names_a_version(given, version):
    assert if_match(given) == version


@pytest.mark.parametrize(
    "given", ['W/"3"', '"3", "4"', '"x"', "", '"', '"3', "-1", "3.0", "\u0663", "1" * 19]
)
def test_if_match_when_no_strong_tag_of_digits_then_malformed(given):
    with pytest.raises(Malformed):
        if_match(given)


def test_traceparent_is_kept_only_if_it_is_one():
    good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    assert traceparent(good) == good
    assert traceparent("00-xyz") is None
    assert traceparent(None) is None


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (b"order-17", "order-17"),
        (b" a\r\nSet-Cookie: x\x00\xff ", "aSet-Cookie: x"),
        (b"x" * 500, "x" * 128),
        (b"\xff\x00", ""),
    ],
)
def test_correlation_id_keeps_printable_ascii(given, kept):
    assert clean_correlation_id(given) == kept

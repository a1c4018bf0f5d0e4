from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.http.errors import Malformed
from api.security.consistency import ConsistencyToken, ConsistencyTokens
from tests.support.http import SECRET

TOKENS = ConsistencyTokens(SECRET)
TOKEN = ConsistencyToken("store", "order-1", 3, "000000000042")


@pytest.mark.parametrize("token", [TOKEN, ConsistencyToken("s", "stock-A.B_1", 10**15)])
def test_decoded_is_what_was_encoded(token):
    text = TOKENS.encode(token)
    assert TOKENS.decode(text) == token
    assert text.isascii()
    assert "=" not in text


def test_of_another_installation_is_refused():
    with pytest.raises(Malformed):
        ConsistencyTokens(b"x" * 32).decode(TOKENS.encode(TOKEN))


@settings(max_examples=50)
@given(st.integers(min_value=0), st.integers(min_value=1, max_value=255))
def test_any_changed_byte_is_refused(index, change):
    raw = bytearray(base64.urlsafe_b64decode(TOKENS.encode(TOKEN) + "=="))
    raw[index % len(raw)] ^= change
    with pytest.raises(Malformed):
        TOKENS.decode(base64.urlsafe_b64encode(bytes(raw)).decode())


@settings(max_examples=100)
@given(st.text() | st.text("ABCDwxyz0189-_="))
def test_any_text_is_refused_as_malformed(text):
    with pytest.raises(Malformed) as refused:
        TOKENS.decode(text)
    assert refused.value.code == "bad-consistency-token"

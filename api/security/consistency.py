"""Consistency tokens: what a caller has written, for queries that must not be older.

Signed, so that nobody can make a query wait for what will never come.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

import msgspec

from api.http.errors import Malformed

_LABEL = b"orderlog consistency token v1"
_MAC_BYTES = 16
_MAX_LENGTH = 1024


class ConsistencyToken(msgspec.Struct, frozen=True, array_like=True):
    """A version of a stream in a store; `position` is None where nothing new was written."""

    store: str
    stream: str
    version: int
    position: str | None = None


class ConsistencyTokens:
    """Writes tokens and reads them again."""

    def __init__(self, secret: bytes) -> None:
        """Derive the key from the secret of this installation."""
        self._key = hmac.digest(secret, _LABEL, "sha256")
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(ConsistencyToken)

    def encode(self, token: ConsistencyToken) -> str:
        """The token as text, for the `Consistency-Token` header."""
        content = self._encoder.encode(token)
        return base64.urlsafe_b64encode(self._mac(content) + content).rstrip(b"=").decode()

    def decode(self, text: str) -> ConsistencyToken:
        """The token of a `Consistency-Token` header.

        Raises:
            Malformed: it is not one of ours.
        """
        raw = _decode_base64(text.strip())
        mac, content = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(content)):
            raise _not_ours()
        try:
            return self._decoder.decode(content)
        except msgspec.DecodeError:
            raise _not_ours() from None

    def _mac(self, content: bytes) -> bytes:
        return hashlib.blake2b(content, key=self._key, digest_size=_MAC_BYTES).digest()


def _decode_base64(text: str) -> bytes:
    if len(text) > _MAX_LENGTH or not text.isascii():
        raise _not_ours()
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise _not_ours() from None


def _not_ours() -> Malformed:
    return Malformed(
        "Consistency-Token is not one that a command answered.", code="bad-consistency-token"
    )

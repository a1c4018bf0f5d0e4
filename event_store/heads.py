"""The end of every stream at one time, as a signed file to be kept elsewhere.

Held against the store later it shows what hashes inside the store can't: a tail that was cut off,
a stream that was removed, a past that was written anew with the key.
"""

from __future__ import annotations

import hmac
from datetime import datetime
from typing import Literal

import msgspec

from event_store.chain import Chain


class StreamEnd(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The version and hash of a stream's last event; the hash is empty where it has none."""

    stream: str
    version: int
    hash: str


class Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where all streams ended, up to a position of one store."""

    format: Literal[1]
    store: str
    made_at: datetime
    position: str | None
    events: int
    streams: tuple[StreamEnd, ...]


class _SignedHead(Head, frozen=True, forbid_unknown_fields=True):
    signature: str


class NotGenuine(Exception):
    """The file was not made with this key, or was changed since."""


def signed(head: Head, chain: Chain) -> bytes:
    """The content of the file: JSON, with a signature."""
    content = _canonical(head)
    whole = {**msgspec.to_builtins(head), "signature": chain.signature(content)}
    return msgspec.json.format(msgspec.json.encode(whole), indent=1) + b"\n"


def read(content: bytes, chain: Chain) -> Head:
    """The head in the content of a file.

    Raises:
        NotGenuine: it is not what `signed` gave with the same key.
    """
    try:
        whole = msgspec.json.decode(content, type=_SignedHead)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise NotGenuine(f"it is not a head made by `orderlog audit head`: {error}") from error
    head = Head(
        whole.format, whole.store, whole.made_at, whole.position, whole.events, whole.streams
    )
    signature = chain.signature(_canonical(head))
    if not hmac.compare_digest(signature.encode(), whole.signature.encode()):
        raise NotGenuine("its signature is wrong: it was changed, or made with another key")
    return head


def _canonical(head: Head) -> bytes:
    return msgspec.json.encode(head, order="sorted")

"""How indices, aliases and documents are called."""

from __future__ import annotations

import hashlib
import re

from contracts.documents import DocumentType
from read_side.fields import encode_type
from read_side.port import Generation

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_PLAIN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@:-]{0,199}")
_PLAIN_CHARACTERS = 256
_MOST_BYTES = 1024


class Names:
    """The names of everything that lies under one prefix.

    An index is in exactly one of the aliases `serving`, `retired` and `building` of its
    projection, and that is its state; one in none of them is being dropped.
    """

    def __init__(self, prefix: str) -> None:
        """All names begin with this."""
        self._prefix = prefix
        self.control = f"{prefix}.control"

    def serving(self, projection: str) -> str:
        """The alias that queries use."""
        return f"{self._prefix}-{projection}"

    def retired(self, projection: str) -> str:
        """The alias of generations that served before."""
        return f"{self._prefix}-{projection}.retired"

    def building(self, projection: str) -> str:
        """The alias of generations that never served."""
        return f"{self._prefix}-{projection}.building"

    def fields(self, kind: DocumentType) -> str:
        """The alias of the generation that serves, as long as it is indexed like this."""
        digest = hashlib.blake2b(encode_type(kind).encode(), digest_size=8).hexdigest()
        return f"{self._prefix}-{kind.name}.fields-{digest}"

    def index(self, projection: str, number: int) -> str:
        """The index of a generation."""
        return f"{self._prefix}-{projection}-{number}"

    def index_of(self, generation: Generation) -> str:
        """The index of a generation."""
        return self.index(generation.projection, generation.number)

    def pattern(self, projection: str) -> str:
        """Matches the indices of a projection, and maybe others."""
        return f"{self._prefix}-{projection}-*"

    def number(self, projection: str, index: str) -> int | None:
        """The number in an index's name, if it is one of a generation."""
        number = index.removeprefix(f"{self._prefix}-{projection}-")
        return int(number) if number.isascii() and number.isdigit() else None


def checked(kind: DocumentType) -> DocumentType:
    """The document type, if its name can be part of an index's.

    Raises:
        ValueError: it can't.
    """
    if not _NAME.fullmatch(kind.name):
        raise ValueError(f"{kind.name!r} can't name an index: lower case letters, digits and _")
    return kind


def document_id(key: str) -> str:
    """A document's `_id`: its key where that can be one."""
    if _PLAIN_ID.fullmatch(key):
        return key
    return f"~key-{hashlib.sha256(key.encode()).hexdigest()}"


def shortened(text: str) -> str:
    """The text, or of one that an index can't hold its beginning and a digest of it all."""
    if len(text) <= _PLAIN_CHARACTERS:
        return text
    encoded = text.encode()
    if len(encoded) <= _MOST_BYTES:
        return text
    begin = encoded[:_MOST_BYTES].decode(errors="ignore")
    return f"{begin} {hashlib.sha256(encoded).hexdigest()}"

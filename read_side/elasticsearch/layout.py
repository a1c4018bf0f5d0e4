"""How documents of one type lie in an index: the mapping, and what is sent for each of them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from contracts.documents import FieldKind
from read_side.elasticsearch.names import shortened
from read_side.fields import Column, Columns, Indexed, Value, encodable, value_at
from read_side.port import Document, DocumentRefused, Put, Stored
from read_side.words import parts_of

KEY = "stored.key"
SHOWN = "stored.shown"
WORDS = "stored.words"
DOCUMENT = "stored.exact.document"
STATE = "state"
"""Where what is no document keeps all it has."""
MOST_WORD_CHARACTERS = 127
"""Words are told apart by so many characters: the tokenizer cuts after 255 UTF-16 units."""
_PREFIXES = {"min_chars": 1, "max_chars": 10}
_EXACT = "exact"
_MARKS = re.compile("[\u0300-\u036f]")
_REVISION_BITS = 63
_encode = msgspec.json.encode
_UNSEEN = {"type": "object", "enabled": False}
_MINOR, _AMOUNT = "minor", "amount"
_BESIDE = {"type": "keyword", "index": False, "doc_values": False}
"""An exact amount: what adds up and sorts are the minor units beside it."""
_MAPPINGS: Mapping[FieldKind, Mapping[str, Any]] = {
    FieldKind.KEYWORD: {"type": "keyword"},
    FieldKind.LONG: {"type": "long"},
    # What is compared is the text itself, to the microsecond; the date is for whoever looks.
    FieldKind.DATE: {
        "type": "date",
        "ignore_malformed": True,
        "fields": {_EXACT: {"type": "keyword", "index": False}},
    },
}


class Layout:
    """What is indexed of documents of one type, and how the whole document is kept beside it."""

    def __init__(self, columns: Columns) -> None:
        """Lay out documents with these columns."""
        self.columns = columns
        self._top = _Places(columns.top)
        self._lists = [(tuple(name.split(".")), _Places(c)) for name, c in columns.lists.items()]

    def mapping(self) -> dict[str, Any]:
        """The strict mapping of an index."""
        stored: dict[str, Any] = {
            "key": {"type": "keyword", "index": False},
            "shown": {"type": "boolean"},
            _EXACT: _UNSEEN,
        }
        if self.columns.texts:
            stored["words"] = {
                "type": "text",
                "analyzer": "whitespace",
                "norms": False,
                "index_prefixes": _PREFIXES,
            }
        properties: dict[str, Any] = {STATE: _UNSEEN, "stored": {"properties": stored}}
        for column in self.columns.top:
            _put_mapping(properties, column)
        for name, columns in self.columns.lists.items():
            inner: dict[str, Any] = {}
            for column in columns:
                _put_mapping(inner, column)
            place = _inside(properties, name.split(".")[:-1])
            place[name.split(".")[-1]] = {
                "type": "nested",
                "dynamic": "strict",
                "properties": inner,
            }
        return {"dynamic": "strict", "properties": properties}

    def source(self, put: Put) -> bytes:
        """What is sent for a document.

        Raises:
            DocumentRefused: it can't be stored as it is.
        """
        if not encodable(put.key):
            raise DocumentRefused(put.key, "its key is no text")
        indexed = self.columns.index(put.key, put.document)
        exact: dict[str, Any] = {"streams": put.streams}
        key = shortened(put.key)
        if key != put.key:
            exact["key"] = put.key
        stored: dict[str, Any] = {"key": key, "shown": put.document is not None, _EXACT: exact}
        source: dict[str, Any] = {"stored": stored}
        try:
            if put.document is not None:
                exact["document"] = _encode(put.document).decode()
                self._add_found_by(source, stored, put.document, indexed)
            return _encode(source)
        except (TypeError, ValueError, RecursionError, msgspec.MsgspecError) as error:
            raise DocumentRefused(put.key, str(error)) from error

    def _add_found_by(
        self, source: dict[str, Any], stored: dict[str, Any], document: Document, indexed: Indexed
    ) -> None:
        self._top.put(source, indexed.values, document)
        for (path, places), objects in zip(self._lists, indexed.nested, strict=True):
            items: list[dict[str, Any]] = []
            for values, within in zip(objects, value_at(document, path) or (), strict=True):
                item: dict[str, Any] = {}
                places.put(item, values, within)
                if item:
                    items.append(item)
            if items:
                _deep(source, path[:-1])[path[-1]] = items
        if words := [found for text in indexed.texts if (found := " ".join(words_of(text)))]:
            stored["words"] = words


def field_of(column: Column) -> str:
    """The field that is compared and sorted by."""
    return f"{column.name if column.nested is None else f'{column.nested}.{column.name}'}" + (
        f".{_EXACT}" if column.kind is FieldKind.DATE else ""
    )


def words_of(text: str) -> Sequence[str]:
    """The words of a text as they are indexed and looked for."""
    folded = _folded(text)
    return [part[:MOST_WORD_CHARACTERS] for part in parts_of(folded)]


def key_of(stored: Mapping[str, Any]) -> str:
    """The key of what was stored."""
    return stored[_EXACT].get("key", stored["key"])


def document_of(hit: Mapping[str, Any]) -> Document | None:
    """The document in an answer, which need not hold anything else."""
    stored = hit["_source"].get("stored")
    text = stored and stored[_EXACT].get("document")
    return None if text is None else msgspec.json.decode(text)


def text_of(stored: Mapping[str, Any]) -> str | None:
    """The document's JSON in what was stored."""
    return stored[_EXACT].get("document")


def streams_of(stored: Mapping[str, Any]) -> Mapping[str, int]:
    """The streams' versions in what was stored."""
    return stored[_EXACT]["streams"]


def stored_of(hit: Mapping[str, Any]) -> Stored:
    """A document as projectors need it, from the answer to a get."""
    revision = revision_of(hit["_primary_term"], hit["_seq_no"])
    return Stored(document_of(hit), streams_of(hit["_source"]["stored"]), revision)


def revision_of(primary_term: int, seq_no: int) -> int:
    """Both numbers that tell a document's states apart, as one."""
    return primary_term << _REVISION_BITS | seq_no


def term_and_number(revision: int) -> tuple[int, int]:
    """The primary term and sequence number of a revision."""
    return revision >> _REVISION_BITS, revision & ((1 << _REVISION_BITS) - 1)


class _Places:
    """Where values are put."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._places = [(column.path[:-1], column.path[-1]) for column in columns]
        self._amounts = [(*path, _AMOUNT) for path, name in self._places if name == _MINOR]

    def put(self, target: dict[str, Any], values: Sequence[Value], within: object) -> None:
        """Put the columns' values, and the exact amounts of the object they are from."""
        for (path, name), value in zip(self._places, values, strict=True):
            if value is not None:
                place = _deep(target, path) if path else target
                place[name] = shortened(value) if isinstance(value, str) else value
        for path in self._amounts:
            if isinstance(amount := value_at(within, path), str):
                _deep(target, path[:-1])[_AMOUNT] = amount


def _deep(target: dict[str, Any], path: Sequence[str]) -> dict[str, Any]:
    for step in path:
        target = target.setdefault(step, {})
    return target


def _put_mapping(properties: dict[str, Any], column: Column) -> None:
    *path, name = column.path
    place = _inside(properties, path)
    place[name] = _MAPPINGS[column.kind]
    if name == _MINOR:
        place.setdefault(_AMOUNT, _BESIDE)


def _inside(properties: dict[str, Any], path: Sequence[str]) -> dict[str, Any]:
    for step in path:
        properties = properties.setdefault(step, {"properties": {}})["properties"]
    return properties


def _folded(text: str) -> str:
    """Without case, and without the accents of letters that have some."""
    if text.isascii():
        return text.lower()
    bare = _MARKS.sub("", unicodedata.normalize("NFD", text))
    return unicodedata.normalize("NFC", bare.casefold())

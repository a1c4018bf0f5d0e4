"""Which fields a document type is found by, and what of a document goes into them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import msgspec

from contracts.documents import DocumentType, FieldKind
from read_side.port import Document, DocumentRefused, FieldNotIndexed

INT64 = range(-(2**63), 2**63)
LIMITS = range(1, 10_001)
"""How many documents a page may have."""

Value = str | int | None


@dataclass(frozen=True, slots=True)
class Column:
    """A field that can be filtered by; `nested` names its list, if it is in one."""

    name: str
    path: tuple[str, ...]
    kind: FieldKind
    nested: str | None = None

    def accepts(self, value: object) -> bool:
        """Whether the column can hold this value, so that comparing with it makes sense."""
        if self.kind is FieldKind.LONG:
            return type(value) is int and value in INT64
        return isinstance(value, str) and (value.isascii() or encodable(value))


@dataclass(frozen=True, slots=True)
class Order:
    """How documents are sorted; by their keys where there is no column."""

    column: Column | None
    descending: bool


@dataclass(frozen=True, slots=True)
class Indexed:
    """What a document is found by: its fields, objects of its lists, and texts."""

    values: tuple[Value, ...]
    nested: tuple[tuple[tuple[Value, ...], ...], ...]
    texts: tuple[str, ...]


class Columns:
    """What documents of one type are found by."""

    def __init__(self, kind: DocumentType) -> None:
        """Lay out columns for the fields of this type."""
        self.kind = kind
        self.top = tuple(_columns(kind.fields, None))
        self.lists = {name: tuple(_columns(fields, name)) for name, fields in kind.nested.items()}
        self.texts = tuple(_texts(kind))
        self._by_name = {column.name: column for column in self.top} | {
            f"{name}.{column.name}": column
            for name, columns in self.lists.items()
            for column in columns
        }

    def column(self, field: str) -> Column:
        """The column of a field, maybe a nested one.

        Raises:
            FieldNotIndexed: there is none, or it is a text.
        """
        column = self._by_name.get(field)
        if column is None:
            raise FieldNotIndexed(f"{self.kind.name} is not indexed by {field!r}")
        return column

    def order(self, sort: str | None) -> Order:
        """What a search's `sort` asks for.

        Raises:
            FieldNotIndexed: documents can't be sorted by it.
        """
        if sort is None:
            return Order(None, descending=False)
        column = self.column(sort.removeprefix("-"))
        if column.nested is not None:
            raise FieldNotIndexed(f"{self.kind.name} can't be sorted by {column.name!r} of a list")
        return Order(column, descending=sort.startswith("-"))

    def group(self, field: str) -> Column:
        """The column to group by.

        Raises:
            FieldNotIndexed: it is no keyword.
        """
        column = self.column(field)
        if column.kind is not FieldKind.KEYWORD:
            raise FieldNotIndexed(f"{self.kind.name} can't be grouped by {field!r}")
        return column

    def summed(self, group: Column, field: str) -> Column:
        """The column to sum within groups.

        Raises:
            FieldNotIndexed: it is no number, or of another list than the group.
        """
        column = self.column(field)
        if column.kind is not FieldKind.LONG or group.nested not in (None, column.nested):
            raise FieldNotIndexed(f"{self.kind.name} can't sum {field!r} by {group.name!r}")
        return column

    def index(self, key: str, document: Document | None) -> Indexed:
        """Take from a document what it is found by.

        Raises:
            DocumentRefused: a field has another type than it should.
        """
        if document is None:
            return Indexed((None,) * len(self.top), ((),) * len(self.lists), ())
        return Indexed(
            tuple(_value(key, column, document) for column in self.top),
            tuple(
                tuple(
                    tuple(_value(key, column, item) for column in columns)
                    for item in _objects(key, document, name)
                )
                for name, columns in self.lists.items()
            ),
            tuple(_text(key, document, text) for text in self.texts),
        )


def encodable(text: str) -> bool:
    """Whether the text can be stored; half a surrogate pair can't."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def encode_type(kind: DocumentType) -> str:
    """A document type as a store keeps it."""
    return msgspec.json.encode(
        {
            "name": kind.name,
            "fields": kind.fields,
            "nested": kind.nested,
            "sorted_by": kind.sorted_by,
        },
        enc_hook=dict,
    ).decode()


def decode_type(text: str) -> DocumentType:
    """The document type that a store kept."""
    return msgspec.json.decode(text, type=DocumentType)


def _columns(fields: Mapping[str, FieldKind], nested: str | None) -> list[Column]:
    return [
        Column(name, tuple(name.split(".")), kind, nested)
        for name, kind in fields.items()
        if kind is not FieldKind.TEXT
    ]


def _texts(kind: DocumentType) -> list[tuple[str | None, tuple[str, ...]]]:
    """List and path of each text field."""
    groups = [(None, kind.fields), *kind.nested.items()]
    return [
        (nested, tuple(name.split(".")))
        for nested, fields in groups
        for name, field_kind in fields.items()
        if field_kind is FieldKind.TEXT
    ]


def value_at(value: object, path: tuple[str, ...]) -> Any:
    """What lies there in a document; None if nothing does."""
    for step in path:
        if not isinstance(value, dict):
            return None
        value = cast("dict[str, Any]", value).get(step)
    return value


def _value(key: str, column: Column, within: object) -> Value:
    value = value_at(within, column.path)
    if value is None or column.accepts(value):
        return value
    raise DocumentRefused(key, f"{column.name} is no {column.kind.value} field's value")


def _objects(key: str, document: Document, name: str) -> list[object]:
    value = value_at(document, tuple(name.split(".")))
    if value is None:
        return []
    if not isinstance(value, list | tuple):
        raise DocumentRefused(key, f"{name} is no list")
    return list(cast("list[object]", value))


def _text(key: str, document: Document, text: tuple[str | None, tuple[str, ...]]) -> str:
    nested, path = text
    within = [document] if nested is None else _objects(key, document, nested)
    found = [value_at(item, path) for item in within]
    return "\n".join(value for value in found if isinstance(value, str))

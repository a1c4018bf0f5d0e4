"""What documents of a type look like where they are indexed: checked, and their texts, in one go.

Stricter than `Columns.index`: what passes here can be stored; what does not may still be fine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from typing import Annotated, Any, cast

import msgspec

from contracts.documents import FieldKind
from read_side.fields import Columns

Texts = tuple[str, ...]

_Long = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_Tree = dict[str, Any]


class UnlikeShape(Exception):
    """The document may be refused, or have its texts where this does not look for them."""


def text_reader(columns: Columns) -> Callable[[bytes], Texts]:
    """A function that gives the texts of a document, or of null, as `Columns.index` does.

    It raises `UnlikeShape` where `Columns.index` has to be asked.
    """
    tree = _document_tree(columns)
    decode = msgspec.json.Decoder(_type_of(tree)).decode
    readers = [_reader(tree, nested, path) for nested, path in columns.texts]

    def texts(document: bytes) -> Texts:
        try:
            shape = decode(document)
            return () if shape is None else tuple([read(shape) for read in readers])
        except (msgspec.MsgspecError, AttributeError) as error:  # something is null on the way
            raise UnlikeShape from error

    return texts


def _document_tree(columns: Columns) -> _Tree:
    """The document's fields, with a list of one tree for a list of objects."""
    tree: _Tree = {}
    for column in columns.top:
        _put(tree, column.path, _Long if column.kind is FieldKind.LONG else str)
    for name, fields in columns.lists.items():
        item: _Tree = {}
        for column in fields:
            _put(item, column.path, _Long if column.kind is FieldKind.LONG else str)
        _put(tree, tuple(name.split(".")), [item])
    for nested, path in columns.texts:
        _put(tree if nested is None else _at(tree, nested)[0], path, str)
    return tree


def _put(tree: _Tree, path: Sequence[str], kind: Any) -> None:
    for step in path[:-1]:
        tree = tree.setdefault(step, {})
    tree[path[-1]] = kind


def _at(tree: _Tree, name: str) -> Any:
    found: Any = tree
    for step in name.split("."):
        found = found[step]
    return found


def _type_of(kind: Any) -> Any:
    """A type whose objects have these fields, or null, or nothing there; others are passed over."""
    if isinstance(kind, list):
        return list[_type_of(cast("list[Any]", kind)[0])] | None  # type: ignore[misc]
    if not isinstance(kind, dict):
        return kind | None
    tree = cast("_Tree", kind)
    fields = [(f"f{number}", _type_of(one), None) for number, one in enumerate(tree.values())]
    names = {f"f{number}": name for number, name in enumerate(tree)}
    return msgspec.defstruct("Shape", fields, rename=names, gc=False) | None


def _reader(tree: _Tree, nested: str | None, path: Sequence[str]) -> Callable[[Any], str]:
    """Reads one text, or one of all objects of a list."""
    if nested is None:
        one = attrgetter(".".join(_attributes(tree, path)))
        return lambda shape: one(shape) or ""
    objects = attrgetter(".".join(_attributes(tree, nested.split("."))))
    each = attrgetter(".".join(_attributes(_at(tree, nested)[0], path)))
    return lambda shape: "\n".join(
        [text for text in map(each, objects(shape) or ()) if text is not None]
    )


def _attributes(tree: _Tree, path: Sequence[str]) -> Iterator[str]:
    """Under which names the steps of a path lie in the types made from the tree."""
    for step in path:
        yield f"f{list(tree).index(step)}"
        tree = tree[step]

"""What documents of a type look like where they are indexed, checked in one go.

Stricter than `Columns.index`: what passes here can be stored; what does not may still be fine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, cast

import msgspec

from contracts.documents import FieldKind
from read_side.sqlite.columns import Columns

_Long = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_Tree = dict[str, Any]


def document_decoder(columns: Columns) -> Callable[[bytes], object]:
    """Decodes a document, or null, and raises an error where it may not be stored."""
    fields = _tree((column.path, column.kind) for column in columns.top)
    for name, nested in columns.lists.items():
        item = _struct(_tree((column.path, column.kind) for column in nested))
        _put(fields, tuple(name.split(".")), list[item])  # type: ignore[valid-type]
    return msgspec.json.Decoder(_struct(fields) | None).decode


def _tree(fields: Any) -> _Tree:
    tree: _Tree = {}
    for path, kind in fields:
        _put(tree, path, _Long if kind is FieldKind.LONG else str)
    return tree


def _put(tree: _Tree, path: Sequence[str], kind: Any) -> None:
    for step in path[:-1]:
        tree = tree.setdefault(step, {})
    tree[path[-1]] = kind


def _struct(tree: _Tree) -> Any:
    """A type whose objects have these fields, or null, or nothing there; others are passed over."""
    fields = [
        (
            f"f{number}",
            (_struct(cast("_Tree", kind)) if isinstance(kind, dict) else kind) | None,
            None,
        )
        for number, kind in enumerate(tree.values())
    ]
    names = {f"f{number}": name for number, name in enumerate(tree)}
    return msgspec.defstruct("Shape", fields, rename=names, gc=False)

"""SQL that writes a batch of documents with one statement for each of their tables.

One statement works without the interpreter, so the next batch is prepared meanwhile. What it
writes is what `writing` writes document by document.
"""

from __future__ import annotations

from collections.abc import Iterator

from read_side.fields import Columns
from read_side.sqlite.names import column_sql, list_table

LOAD = (
    "SELECT d.key, b.document, d.streams, d.revision FROM json_each(?) e"
    " CROSS JOIN documents d ON d.key = e.value CROSS JOIN bodies b ON b.id = d.id"
)
"""Those of the documents that exist, by a JSON list of keys."""

_CHANGED = "(SELECT id FROM batch WHERE revision > 1)"
_NOTHING = "''"


def make_batch(columns: Columns) -> str:
    """Make the table that a batch is put into; the texts of its documents lie beside them."""
    texts = "".join(f", {name} TEXT" for name in _texts(columns))
    return (
        "CREATE TEMP TABLE batch("
        f"key TEXT, revision INTEGER, streams TEXT, document TEXT, id INTEGER{texts})"
    )


def fill_batch(columns: Columns) -> str:
    """Put a document into the batch: key, revision, streams, JSON, then each text."""
    names = ["key", "revision", "streams", "document", *_texts(columns)]
    values = ", ".join("?" * len(names))
    return f"INSERT INTO batch({', '.join(names)}) VALUES ({values})"  # noqa: S608


def write_batch(columns: Columns) -> Iterator[str]:
    """Write what lies in the batch, and empty it."""
    yield _upsert_documents(columns)
    yield "UPDATE batch SET id = (SELECT id FROM documents WHERE documents.key = batch.key)"
    yield "INSERT OR REPLACE INTO bodies(id, document) SELECT id, document FROM batch"
    yield from _fill_lists(columns)
    if names := _texts(columns):
        yield f"DELETE FROM words WHERE rowid IN {_CHANGED}"  # noqa: S608
        yield (
            f"INSERT INTO words(rowid, {', '.join(names)}) SELECT id, {', '.join(names)}"  # noqa: S608
            f" FROM batch WHERE {' OR '.join(f'{name} <> {_NOTHING}' for name in names)}"
        )
    yield "DELETE FROM batch"


def _upsert_documents(columns: Columns) -> str:
    names = ["revision", "streams", "shown", *(column_sql(column) for column in columns.top)]
    fields = [f"json_extract(document, '${_steps(column.path)}')" for column in columns.top]
    values = ["revision", "streams", "document IS NOT NULL", *fields]
    return (
        f"INSERT INTO documents(key, {', '.join(names)})"  # noqa: S608
        f" SELECT key, {', '.join(values)} FROM batch WHERE true"
        f" ON CONFLICT(key) DO UPDATE SET {', '.join(f'{n} = excluded.{n}' for n in names)}"
    )


def _fill_lists(columns: Columns) -> Iterator[str]:
    for name, fields in columns.lists.items():
        path = _path(name)
        values = [f"json_extract({_within(column.path)})" for column in fields]
        yield f"DELETE FROM {list_table(name)} WHERE document IN {_CHANGED}"  # noqa: S608
        yield (
            f"INSERT INTO {list_table(name)} SELECT {', '.join(['b.id', *values])}"  # noqa: S608
            f" FROM batch b CROSS JOIN json_each(b.document, '{path}') e"
            f" WHERE json_type(b.document, '{path}') = 'array'"
        )


def _texts(columns: Columns) -> list[str]:
    return [f"t{number}" for number in range(len(columns.texts))]


def _within(path: tuple[str, ...]) -> str:
    """A field of an item `e` of a list: from the document, which is parsed already."""
    return f"b.document, e.fullkey || '{_steps(path)}'"


def _path(name: str) -> str:
    return f"${_steps(tuple(name.split('.')))}"


def _steps(path: tuple[str, ...]) -> str:
    return "".join(f'."{step}"' for step in path).replace("'", "''")

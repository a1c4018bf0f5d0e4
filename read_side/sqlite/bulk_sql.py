"""SQL that writes a batch of documents with one statement for each of their tables.

One statement works without the interpreter, so the next batch is prepared meanwhile. What it
writes is what `writing` and `columns` write document by document.
"""

from __future__ import annotations

from collections.abc import Iterator

from read_side.sqlite.columns import Columns, list_table

MAKE_BATCH = (
    "CREATE TEMP TABLE batch(key TEXT, revision INTEGER, streams TEXT, document TEXT, id INTEGER)"
)
FILL_BATCH = "INSERT INTO batch(key, revision, streams, document) VALUES (?, ?, ?, ?)"

LOAD = (
    "SELECT d.key, b.document, d.streams, d.revision FROM json_each(?) e"
    " CROSS JOIN documents d ON d.key = e.value CROSS JOIN bodies b ON b.id = d.id"
)
"""Those of the documents that exist, by a JSON list of keys."""

_CHANGED = "(SELECT id FROM batch WHERE revision > 1)"
_NOTHING = "''"


def write_batch(columns: Columns) -> Iterator[str]:
    """Write what lies in the batch, and empty it."""
    yield _upsert_documents(columns)
    yield "UPDATE batch SET id = (SELECT id FROM documents WHERE documents.key = batch.key)"
    yield "INSERT OR REPLACE INTO bodies(id, document) SELECT id, document FROM batch"
    yield from _fill_lists(columns)
    if columns.texts:
        yield f"DELETE FROM words WHERE rowid IN {_CHANGED}"  # noqa: S608
        yield _fill_words(columns)
    yield "DELETE FROM batch"


def _upsert_documents(columns: Columns) -> str:
    names = ["revision", "streams", "shown", *(column.sql for column in columns.top)]
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


def _fill_words(columns: Columns) -> str:
    names = [f"t{number}" for number in range(len(columns.texts))]
    texts = [f"{_text(*text)} {name}" for name, text in zip(names, columns.texts, strict=True)]
    return (
        f"WITH texts AS MATERIALIZED (SELECT id, {', '.join(texts)}"  # noqa: S608
        " FROM batch b WHERE document IS NOT NULL)"
        f" INSERT INTO words(rowid, {', '.join(names)}) SELECT * FROM texts"
        f" WHERE {' OR '.join(f'{name} <> {_NOTHING}' for name in names)}"
    )


def _text(nested: str | None, path: tuple[str, ...]) -> str:
    steps = f"${_steps(path)}"
    if nested is None:
        return (
            f"CASE json_type(b.document, '{steps}') WHEN 'text'"
            f" THEN json_extract(b.document, '{steps}') ELSE '' END"
        )
    return (
        f"coalesce((SELECT group_concat(json_extract({_within(path)}), char(10))"  # noqa: S608
        f" FROM json_each(b.document, '{_path(nested)}') e"
        f" WHERE json_type({_within(path)}) = 'text'), '')"
    )


def _within(path: tuple[str, ...]) -> str:
    """A field of an item `e` of a list: from the document, which is parsed already."""
    return f"b.document, e.fullkey || '{_steps(path)}'"


def _path(name: str) -> str:
    return f"${_steps(tuple(name.split('.')))}"


def _steps(path: tuple[str, ...]) -> str:
    return "".join(f'."{step}"' for step in path).replace("'", "''")

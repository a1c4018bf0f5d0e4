"""SQL that fills a generation's tables from JSON, a batch or a table with one statement.

One statement works without the interpreter, so the next batch is prepared meanwhile. What it
writes is what `writing` and `columns` write document by document.
"""

from __future__ import annotations

from collections.abc import Iterator

from read_side.sqlite.columns import Columns, list_table

_KEY, _REVISION, _STREAMS, _DOCUMENT = (f"json_extract(e.value, '$[{n}]')" for n in range(4))


def upsert_documents(columns: Columns) -> str:
    """Write the rows of `[[key, revision, streams, document], ...]`, its one parameter."""
    names = ["revision", "streams", "shown", *(column.sql for column in columns.top)]
    fields = [f"json_extract(e.value, '$[3]{_steps(column.path)}')" for column in columns.top]
    values = [_REVISION, _STREAMS, "json_type(e.value, '$[3]') <> 'null'", *fields]
    return (
        f"INSERT INTO documents(key, {', '.join(names)})"  # noqa: S608
        f" SELECT {_KEY}, {', '.join(values)} FROM json_each(?) e WHERE true"
        f" ON CONFLICT(key) DO UPDATE SET {', '.join(f'{n} = excluded.{n}' for n in names)}"
    )


UPSERT_BODIES = (
    f"INSERT OR REPLACE INTO bodies(id, document) SELECT d.id, {_DOCUMENT}"  # noqa: S608
    f" FROM json_each(?) e CROSS JOIN documents d ON d.key = {_KEY}"
)
"""The same rows' documents, once the rows are there."""

LOAD = (
    "SELECT d.key, b.document, d.streams, d.revision FROM json_each(?) e"
    " CROSS JOIN documents d ON d.key = e.value CROSS JOIN bodies b ON b.id = d.id"
)
"""Those of the documents that exist, by a JSON list of keys."""


def fill_lists_and_words(columns: Columns) -> Iterator[str]:
    """Fill what hangs on documents, once all of them are there."""
    for name, fields in columns.lists.items():
        path = _path(name)
        values = [_within("e", column.path) for column in fields]
        yield (
            f"INSERT INTO {list_table(name)} SELECT {', '.join(['b.id', *values])}"  # noqa: S608
            f" FROM bodies b CROSS JOIN json_each(b.document, '{path}') e"
            f" WHERE json_type(b.document, '{path}') = 'array'"
        )
    if columns.texts:
        names = [f"t{number}" for number in range(len(columns.texts))]
        texts = [f"{_text(*text)} {name}" for name, text in zip(names, columns.texts, strict=True)]
        yield (
            f"INSERT INTO words(rowid, {', '.join(names)}) SELECT * FROM"  # noqa: S608
            f" (SELECT id, {', '.join(texts)} FROM bodies b WHERE document IS NOT NULL)"
            f" WHERE {' OR '.join(f'{name} <> {_NOTHING}' for name in names)}"
        )


_NOTHING = "''"


def _text(nested: str | None, path: tuple[str, ...]) -> str:
    steps = f"${_steps(path)}"
    if nested is None:
        return (
            f"CASE json_type(b.document, '{steps}') WHEN 'text'"
            f" THEN json_extract(b.document, '{steps}') ELSE '' END"
        )
    return (
        f"coalesce((SELECT group_concat({_within('e', path)}, char(10))"  # noqa: S608
        f" FROM json_each(b.document, '{_path(nested)}') e WHERE e.type = 'object'"
        f" AND json_type(e.value, '{steps}') = 'text'), '')"
    )


def _within(item: str, path: tuple[str, ...]) -> str:
    """A field of an item of a list; nothing where the item is no object."""
    return f"CASE {item}.type WHEN 'object' THEN json_extract({item}.value, '${_steps(path)}') END"


def _path(name: str) -> str:
    return f"${_steps(tuple(name.split('.')))}"


def _steps(path: tuple[str, ...]) -> str:
    return "".join(f'."{step}"' for step in path).replace("'", "''")

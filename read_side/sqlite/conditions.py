"""Conditions of a search in SQL. No text of a caller ever becomes part of a statement."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from contracts.documents import FieldKind
from read_side.fields import INT64, Column, Columns
from read_side.port import AnyOf, Between, Condition, Either, Matches
from read_side.sqlite.names import list_table, reference
from read_side.words import searched_words

Parameter = str | int
Sql = tuple[str, list[Parameter]]

NEVER: Sql = ("0", [])
ALWAYS: Sql = ("1", [])
_MOST_PLACEHOLDERS = 500


def all_of(conditions: Sequence[Condition], columns: Columns) -> Sql:
    """An SQL expression over `documents d` that holds where all conditions do."""
    return _joined(" AND ", [condition_sql(one, columns) for one in conditions]) or ALWAYS


def condition_sql(condition: Condition, columns: Columns) -> Sql:
    """An SQL expression over `documents d` for one condition.

    Raises:
        FieldNotIndexed: a field can't be filtered by.
    """
    match condition:
        case AnyOf(field, values):
            column = columns.column(field)
            return _of_document(column, _any_of(column, values))
        case Between(field, at_least, below):
            column = columns.column(field)
            return _of_document(column, _between(column, at_least, below))
        case Matches(text):
            return _matches(text, columns)
        case Either(either):
            return _joined(" OR ", [condition_sql(one, columns) for one in either]) or NEVER


def full_text_query(text: str) -> str:
    """The text's words in FTS5's query language, each in quotes; empty when there are none."""
    return " ".join(f'"{" ".join(parts)}"*' for parts in searched_words(text))


def _joined(operator: str, parts: Sequence[Sql]) -> Sql | None:
    if not parts:
        return None
    sql = operator.join(f"({part})" for part, _ in parts)
    return sql, [value for _, values in parts for value in values]


def _of_document(column: Column, sql: Sql) -> Sql:
    """Lift a condition on a nested column to the documents that have such an object."""
    if column.nested is None or sql in (NEVER, ALWAYS):
        return sql
    text, values = sql
    table = list_table(column.nested)
    return f"d.id IN (SELECT n.document FROM {table} n WHERE {text})", values  # noqa: S608


def _any_of(column: Column, values: Sequence[str | int]) -> Sql:
    known = list(dict.fromkeys(value for value in values if column.accepts(value)))
    if not known:
        return NEVER
    if len(known) <= _MOST_PLACEHOLDERS:
        return f"{reference(column)} IN ({', '.join('?' * len(known))})", known
    # json_each ends a text at a NUL, so such a value must not get there.
    clean = [value for value in known if isinstance(value, int) or "\0" not in value]
    return (
        f"{reference(column)} IN (SELECT value FROM json_each(?))",  # noqa: S608
        [msgspec.json.encode(clean).decode()],
    )


def _between(column: Column, at_least: str | int | None, below: str | int | None) -> Sql:
    if at_least is None and below is None:
        return ALWAYS
    parts: list[Sql] = []
    for operator, bound in ((">=", at_least), ("<", below)):
        if bound is not None:
            parts.append(_bound(column, operator, bound))
    if NEVER in parts:
        return NEVER
    return _joined(" AND ", parts) or ALWAYS


def _bound(column: Column, operator: str, bound: str | int) -> Sql:
    if column.accepts(bound):
        return f"{reference(column)} {operator} ?", [bound]
    if column.kind is not FieldKind.LONG or type(bound) is not int:
        return NEVER
    beyond = bound >= INT64.stop
    met = beyond if operator == "<" else not beyond
    return (f"{reference(column)} IS NOT NULL", []) if met else NEVER


def _matches(text: str, columns: Columns) -> Sql:
    query = full_text_query(text)
    if not query:
        return ALWAYS
    if not columns.texts:
        return NEVER
    return "d.id IN (SELECT rowid FROM words WHERE words MATCH ?)", [query]

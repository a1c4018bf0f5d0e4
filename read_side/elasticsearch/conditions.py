"""Conditions of a search in the server's query language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from contracts.documents import FieldKind
from read_side.elasticsearch.layout import SHOWN, WORDS, field_of, words_of
from read_side.elasticsearch.names import shortened
from read_side.fields import INT64, Column, Columns, Value
from read_side.port import AnyOf, Between, Condition, Either, Matches
from read_side.words import searched_words

Query = dict[str, Any]

NEVER: Query = {"match_none": {}}
ALWAYS: Query = {"match_all": {}}
_MOST_TERMS = 60_000
_MOST_EXPANSIONS = 1000
"""Words that a long last part of a phrase may begin; shorter ones are looked up as they are."""


def shown(columns: Columns, conditions: Sequence[Condition]) -> Query:
    """Documents that show something and meet all conditions.

    Raises:
        FieldNotIndexed: a field can't be filtered by.
    """
    return _all([{"term": {SHOWN: True}}, *(query(one, columns) for one in conditions)])


def query(condition: Condition, columns: Columns) -> Query:
    """One condition.

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
            return _any([query(one, columns) for one in either])


def term(column: Column, value: Value) -> Query:
    """Documents, or objects of a list, with this value."""
    return {"term": {field_of(column): value}}


def _all(queries: Sequence[Query]) -> Query:
    return {"bool": {"filter": list(queries)}}


def _any(queries: Sequence[Query]) -> Query:
    if not queries:
        return NEVER
    return {"bool": {"should": list(queries), "minimum_should_match": 1}}


def _of_document(column: Column, inner: Query) -> Query:
    """Lift a condition on a nested column to the documents that have such an object."""
    if column.nested is None or inner in (NEVER, ALWAYS):
        return inner
    return {"nested": {"path": column.nested, "query": inner}}


def _any_of(column: Column, values: Sequence[str | int]) -> Query:
    known = dict.fromkeys(_sent(value) for value in values if column.accepts(value))
    terms = list(known)
    runs = [terms[at : at + _MOST_TERMS] for at in range(0, len(terms), _MOST_TERMS)]
    queries: list[Query] = [{"terms": {field_of(column): run}} for run in runs]
    return queries[0] if len(queries) == 1 else _any(queries)


def _between(column: Column, at_least: str | int | None, below: str | int | None) -> Query:
    if at_least is None and below is None:
        return ALWAYS
    limits: dict[str, str | int] = {}
    for operator, bound in (("gte", at_least), ("lt", below)):
        if bound is None:
            continue
        if column.accepts(bound):
            limits[operator] = _sent(bound)
        elif not _is_met_beyond(column, operator, bound):
            return NEVER
    if not limits:
        return {"exists": {"field": field_of(column)}}
    return {"range": {field_of(column): limits}}


def _is_met_beyond(column: Column, operator: str, bound: str | int) -> bool:
    """Whether any value is on the right side of a bound that no value can have."""
    if column.kind is not FieldKind.LONG or type(bound) is not int:
        return False
    return (bound >= INT64.stop) == (operator == "lt")


def _sent(value: str | int) -> str | int:
    return shortened(value) if isinstance(value, str) else value


def _matches(text: str, columns: Columns) -> Query:
    words = [[w for part in parts for w in words_of(part)] for parts in searched_words(text)]
    queries = [_word(parts) for parts in words if parts]
    if not queries:
        return ALWAYS
    return _all(queries) if columns.texts else NEVER


def _word(parts: Sequence[str]) -> Query:
    """A word, or parts that follow each other, the last of them being the start of a word."""
    if len(parts) == 1:
        return {"prefix": {WORDS: parts[0]}}
    phrase = {"query": " ".join(parts), "max_expansions": _MOST_EXPANSIONS}
    return {"match_phrase_prefix": {WORDS: phrase}}

"""Counts and sums by group, exact although the server adds up in floating point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from read_side.elasticsearch.conditions import shown, term
from read_side.elasticsearch.layout import field_of
from read_side.elasticsearch.serving import Serving
from read_side.fields import Column, Columns
from read_side.port import Condition, SumRow

_GROUPS = 5000
"""Groups in one answer."""
_EXACT = 2**53
"""Whole numbers below this, and sums that never leave them, are exact in floating point."""

Aggregation = dict[str, Any]


async def count_by(
    serving: Serving, projection: str, field: str, conditions: Sequence[Condition]
) -> Mapping[str, int]:
    """How many documents there are for each value of a field."""
    rows = await sums(serving, projection, field, (), conditions)
    return {row.key: row.documents for row in rows}


async def sums(
    serving: Serving,
    projection: str,
    group_by: str,
    fields: Sequence[str],
    conditions: Sequence[Condition],
) -> Sequence[SumRow]:
    """Sums of fields for each value of another one, in the order of the values."""
    asked = _Sums(serving, projection, group_by, tuple(dict.fromkeys(fields)), conditions)
    rows: list[SumRow] = []
    after: Mapping[str, Any] | None = None
    while True:
        page = await asked.page(after)
        rows += [await asked.row(bucket) for bucket in page["buckets"]]
        after = page.get("after_key")
        if after is None or len(page["buckets"]) < _GROUPS:
            return rows


class _Sums:
    def __init__(
        self,
        serving: Serving,
        projection: str,
        group_by: str,
        fields: tuple[str, ...],
        conditions: Sequence[Condition],
    ) -> None:
        self._serving = serving
        self._projection = projection
        self._group_by = group_by
        self._fields = fields
        self._conditions = conditions

    async def page(self, after: Mapping[str, Any] | None) -> Mapping[str, Any]:
        """The buckets of the next groups."""

        def body(columns: Columns) -> Mapping[str, Any]:
            group = columns.group(self._group_by)
            summed = [columns.summed(group, field) for field in self._fields]
            paged = _paged({"group": group}, after)
            inner = {f"s{at}": _summing(group, column) for at, column in enumerate(summed)}
            if group.nested is not None:
                inner["documents"] = {"reverse_nested": {}}
            if inner:
                paged["aggs"] = inner
            return self._body(columns, _within(group.nested, paged))

        answer = await self._serving.search(self._projection, body)
        return _inner(answer["aggregations"]["found"])

    async def row(self, bucket: Mapping[str, Any]) -> SumRow:
        """One group."""
        key = bucket["key"]["group"]
        found: dict[str, int] = {}
        for at, field in enumerate(self._fields):
            stats = _inner(bucket[f"s{at}"])
            exact = _exact_sum(stats)
            found[field] = await self._added_up(key, field) if exact is None else exact
        return SumRow(key, bucket.get("documents", bucket)["doc_count"], found)

    async def _added_up(self, key: str, field: str) -> int:
        """The sum of one group's field, from how often each of its values is there."""
        total = 0
        after: Mapping[str, Any] | None = None
        while True:
            page = await self._values(key, field, after)
            total += sum(one["key"]["value"] * one["doc_count"] for one in page["buckets"])
            after = page.get("after_key")
            if after is None or len(page["buckets"]) < _GROUPS:
                return total

    async def _values(
        self, key: str, field: str, after: Mapping[str, Any] | None
    ) -> Mapping[str, Any]:
        def body(columns: Columns) -> Mapping[str, Any]:
            group = columns.group(self._group_by)
            column = columns.summed(group, field)
            values = _paged({"value": column}, after)
            only = term(group, key)
            if group.nested is None:
                return self._body(columns, _within(column.nested, values), only)
            of_group: Aggregation = {"filter": only, "aggs": {"inner": values}}
            return self._body(columns, _within(group.nested, of_group))

        answer = await self._serving.search(self._projection, body)
        return _inner(answer["aggregations"]["found"])

    def _body(
        self, columns: Columns, found: Aggregation, also: Mapping[str, Any] | None = None
    ) -> Mapping[str, Any]:
        query = shown(columns, self._conditions)
        if also is not None:
            query["bool"]["filter"].append(also)
        return {"query": query, "size": 0, "aggs": {"found": found}}


def _paged(sources: Mapping[str, Column], after: Mapping[str, Any] | None) -> Aggregation:
    terms = [{name: {"terms": {"field": field_of(column)}}} for name, column in sources.items()]
    composite: dict[str, Any] = {"size": _GROUPS, "sources": terms}
    if after is not None:
        composite["after"] = after
    return {"composite": composite}


def _summing(group: Column, column: Column) -> Aggregation:
    stats: Aggregation = {"stats": {"field": field_of(column)}}
    return stats if column.nested == group.nested else _within(column.nested, stats)


def _within(nested: str | None, inner: Aggregation) -> Aggregation:
    """An aggregation over the objects of a list."""
    if nested is None:
        return inner
    return {"nested": {"path": nested}, "aggs": {"inner": inner}}


def _inner(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    while "inner" in answer:
        answer = answer["inner"]
    return answer


def _exact_sum(stats: Mapping[str, Any]) -> int | None:
    """The sum, if nothing on the way to it can have been rounded."""
    if stats["count"] == 0:
        return 0
    largest = max(abs(stats["min"]), abs(stats["max"]))
    return int(stats["sum"]) if stats["count"] * largest < _EXACT else None

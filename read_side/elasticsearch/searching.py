"""Pages of a search, counts, and going through all documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from elasticsearch import NotFoundError

from contracts.documents import FieldKind
from read_side.cursors import Place, make_cursor, read_cursor
from read_side.elasticsearch import layout
from read_side.elasticsearch.conditions import shown
from read_side.elasticsearch.generations import refreshed
from read_side.elasticsearch.kept import IndexMissing
from read_side.elasticsearch.names import shortened
from read_side.elasticsearch.server import Server
from read_side.elasticsearch.serving import Serving, search_whole
from read_side.fields import INT64, LIMITS, Columns, Order
from read_side.port import Found, Search
from read_side.rebuild_port import Scanned

_SCAN_ALIVE = "2m"
_MOST_SCANS = 16


async def search(serving: Serving, projection: str, wanted: Search) -> Found:
    """One page of a search."""
    if wanted.limit not in LIMITS:
        raise ValueError("a page has 1 to 10,000 documents")
    answer = await serving.search(projection, lambda columns: _page(columns, projection, wanted))
    hits: Sequence[Mapping[str, Any]] = answer["hits"]["hits"]
    page = hits[: wanted.limit]
    cursor = None
    if len(hits) > wanted.limit:
        *value, key = page[-1]["sort"]
        cursor = make_cursor(projection, wanted, Place(value[0] if value else None, key))
    documents = (layout.document_of(hit) for hit in page)
    return Found([document for document in documents if document is not None], cursor)


def _page(columns: Columns, projection: str, wanted: Search) -> Mapping[str, Any]:
    order = columns.order(wanted.sort)
    place = read_cursor(projection, wanted, order.column)
    body: dict[str, Any] = {
        "query": shown(columns, wanted.conditions),
        "size": wanted.limit + 1,
        "sort": _sort(order),
        "_source": [layout.DOCUMENT],
    }
    if place is not None:
        body["search_after"] = _after(order, place)
    return body


def _sort(order: Order) -> Sequence[Mapping[str, Any]]:
    direction = "desc" if order.descending else "asc"
    by_key = {layout.KEY: {"order": direction}}
    if order.column is None:
        return [by_key]
    missing = "_first" if order.descending else "_last"
    return [{layout.field_of(order.column): {"order": direction, "missing": missing}}, by_key]


def _after(order: Order, place: Place) -> Sequence[str | int | None]:
    if order.column is None:
        return [place.key]
    value = place.value
    if value is None and order.column.kind is FieldKind.LONG:
        value = INT64[-1]  # What the server puts in the place of a number that is not there.
    return [shortened(value) if isinstance(value, str) else value, place.key]


class Scans:
    """Goes through a generation as it was when that began: a point in time for each one going on.

    `after` is all that a caller says, so the key where a page ended is what finds its scan again. A
    scan that is not found begins anew at that key.
    """

    def __init__(self, server: Server) -> None:
        """Scan on this server."""
        self._server = server
        self._open: dict[tuple[str, str], tuple[str, Sequence[Any]]] = {}

    async def page(self, index: str, after: str | None, limit: int) -> Sequence[Scanned]:
        """The next documents, by their keys.

        Raises:
            IndexMissing.
        """
        known = self._open.pop((index, after), None) if after is not None else None
        if known is not None:
            try:
                return await self._next(index, *known, limit)
            except NotFoundError:
                pass  # It took too long, or the server began anew.
        # The end of the sort values tells documents with the same key apart: there are none.
        begin = [] if after is None else [shortened(after)]
        await refreshed(self._server, index)
        try:
            opened = await self._server.read(
                lambda client: client.open_point_in_time(index=index, keep_alive=_SCAN_ALIVE),
                expected=(NotFoundError,),
            )
            return await self._next(index, opened["id"], begin, limit)
        except NotFoundError as error:
            raise IndexMissing(index) from error

    async def close(self) -> None:
        """Let go of what was not gone through to its end."""
        left, self._open = self._open, {}
        for point, _ in left.values():
            await self._close(point)

    async def _next(
        self, index: str, point: str, begin: Sequence[Any], limit: int
    ) -> Sequence[Scanned]:
        body: dict[str, Any] = {
            "pit": {"id": point, "keep_alive": _SCAN_ALIVE},
            "query": {"exists": {"field": layout.KEY}},
            "size": min(limit, LIMITS[-1]),
            "sort": [{layout.KEY: {"order": "asc"}}],
            "_source": ["stored"],
        }
        if begin:
            body["search_after"] = begin
        answer = await self._server.read(
            lambda client: search_whole(client, body=body), expected=(NotFoundError,)
        )
        hits = answer["hits"]["hits"]
        found = [_scanned(hit["_source"]["stored"]) for hit in hits]
        if len(found) < body["size"]:
            await self._close(answer["pit_id"])
            return found
        while len(self._open) >= _MOST_SCANS:
            oldest, _ = self._open.pop(next(iter(self._open)))
            await self._close(oldest)
        self._open[index, found[-1].key] = answer["pit_id"], hits[-1]["sort"]
        return found

    async def _close(self, point: str) -> None:
        try:
            await self._server.read(
                lambda client: client.close_point_in_time(id=point), expected=(NotFoundError,)
            )
        except NotFoundError:
            return  # The server has let go of it already.


def _scanned(stored: Mapping[str, Any]) -> Scanned:
    return Scanned(layout.key_of(stored), layout.streams_of(stored), layout.text_of(stored))

"""What queries ask of the generations that serve, and only through their aliases."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from elasticsearch import AsyncElasticsearch, NotFoundError

from read_side.elasticsearch.catalogue import Catalogue
from read_side.elasticsearch.kept import IndexMissing, get_all
from read_side.elasticsearch.layout import DOCUMENT, Layout, document_of
from read_side.elasticsearch.names import Names, document_id
from read_side.elasticsearch.server import QUERY_SECONDS, Server, is_index_missing
from read_side.fields import Columns, encodable
from read_side.port import Document, FieldNotIndexed, ReadStoreUnavailable

T = TypeVar("T")

_MOST_TRIES = 10
_MOST_KEYS = 2000


class Serving:
    """One request for each question, and what was switched to in between is asked again."""

    def __init__(self, server: Server, names: Names, catalogue: Catalogue) -> None:
        """Ask this server."""
        self._server = server
        self._names = names
        self._catalogue = catalogue
        self._refreshing: dict[str, asyncio.Task[None]] = {}
        self._refresh_next: dict[str, asyncio.Task[None]] = {}

    async def get(self, projection: str, key: str) -> Document | None:
        """One document."""
        if not encodable(key):
            return None
        id_ = document_id(key)

        async def ask(alias: str) -> Document | None:
            try:
                hit = await self._server.read(
                    lambda client: client.get(index=alias, id=id_, source_includes=[DOCUMENT]),
                    expected=(NotFoundError,),
                )
            except NotFoundError as error:
                if is_index_missing(error) or "found" not in error.body:
                    raise IndexMissing(alias) from error
                return None
            return document_of(hit)

        return await self._by_key(projection, ask)

    async def get_many(self, projection: str, keys: Sequence[str]) -> Mapping[str, Document]:
        """Those documents that exist, in the order of the keys."""
        known = [key for key in keys if encodable(key)]

        async def ask(alias: str) -> Mapping[str, Document]:
            found: dict[str, Document] = {}
            for first in range(0, len(known), _MOST_KEYS):
                run = known[first : first + _MOST_KEYS]
                ids = [document_id(key) for key in run]
                hits = await get_all(self._server, alias, ids, [DOCUMENT])
                for key, hit in zip(run, hits, strict=True):
                    document = document_of(hit) if hit["found"] else None
                    if document is not None:
                        found[key] = document
            return found

        return await self._by_key(projection, ask) if known else {}

    async def search(
        self, projection: str, body: Callable[[Columns], Mapping[str, Any]]
    ) -> Mapping[str, Any]:
        """The answer to a search, whose body depends on what the generation indexes.

        Raises:
            NoActiveGeneration, FieldNotIndexed, InvalidCursor, ReadStoreUnavailable.
        """
        async with self._server.within(QUERY_SECONDS):
            return await self._search(projection, body)

    async def _search(
        self, projection: str, body: Callable[[Columns], Mapping[str, Any]]
    ) -> Mapping[str, Any]:
        anew = False
        for _ in range(_MOST_TRIES):
            layout = await self._catalogue.serving(projection, anew=anew)
            try:
                asked = body(layout.columns)
            except FieldNotIndexed:
                if anew:
                    raise
                anew = True
                continue
            try:
                return await self._ask(layout, asked)
            except NotFoundError:
                anew = True
        raise _switched_all_the_time()

    async def refresh(self, projection: str) -> None:
        """Let searches find what was written; those who ask meanwhile share the next one."""
        waiting = self._refresh_next.get(projection)
        if waiting is None:
            waiting = asyncio.create_task(self._refresh_after(projection))
            self._refresh_next[projection] = waiting
        await asyncio.shield(waiting)

    async def _refresh_after(self, projection: str) -> None:
        """Refresh once the one under way is done: it may have missed what was written since."""
        under_way = self._refreshing.get(projection)
        if under_way is not None:
            await asyncio.wait([under_way])
        self._refreshing[projection] = self._refresh_next.pop(projection)
        try:
            alias = self._names.serving(projection)
            await self._server.read(
                lambda client: client.indices.refresh(index=alias), expected=(NotFoundError,)
            )
        except NotFoundError:
            return  # Nothing answers queries yet, or no more: searches say so.
        finally:
            del self._refreshing[projection]

    async def _ask(self, layout: Layout, body: Mapping[str, Any]) -> Mapping[str, Any]:
        alias = self._names.fields(layout.columns.kind)
        return await self._server.read(
            lambda client: search_whole(client, index=alias, body=body), expected=(NotFoundError,)
        )

    async def _by_key(self, projection: str, ask: Callable[[str], Awaitable[T]]) -> T:
        """Ask again if the index was dropped, which is only done when another one serves."""
        async with self._server.within(QUERY_SECONDS):
            for _ in range(_MOST_TRIES):
                try:
                    return await ask(self._names.serving(projection))
                except IndexMissing:
                    await self._catalogue.serving(projection, anew=True)
        raise _switched_all_the_time()


def search_whole(
    client: AsyncElasticsearch, *, body: Mapping[str, Any], index: str | None = None
) -> Awaitable[Any]:
    """Search all or fail: half an answer would be a wrong one."""
    return client.search(
        index=index, body={**body, "track_total_hits": False}, allow_partial_search_results=False
    )


def _switched_all_the_time() -> ReadStoreUnavailable:
    return ReadStoreUnavailable("Elasticsearch: generations are switched all the time")

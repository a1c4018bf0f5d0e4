"""Small JSON objects with compare-and-set, each a document of its own in some index."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from elasticsearch import AsyncElasticsearch, ConflictError, NotFoundError

from read_side.elasticsearch.layout import STATE
from read_side.elasticsearch.server import READ_SECONDS, NotNow, Server, is_index_missing
from read_side.port import ReadStoreUnavailable

State = dict[str, Any]
Change = Callable[[State], State | None]

_MOST_TRIES = 100
_LONGEST_WAIT_SECONDS = 0.05


class IndexMissing(Exception):
    """There is no such index, or alias."""


class Kept:
    """Reads and changes such objects; one that is not there is empty."""

    def __init__(self, server: Server) -> None:
        """Keep them on this server."""
        self._server = server

    async def read(self, index: str, name: str) -> State:
        """The object, as last written.

        Raises:
            IndexMissing.
        """
        return (await self._read(index, name))[0]

    async def read_all(self, index: str, names: Sequence[str]) -> Sequence[State]:
        """Several objects at once, in this order.

        Raises:
            IndexMissing.
        """
        hits = await get_all(self._server, index, names, [STATE])
        return [hit["_source"][STATE] if hit["found"] else {} for hit in hits]

    async def change(self, index: str, name: str, change: Change) -> State:
        """Replace the object by what `change` makes of it; None leaves it as it is.

        `change` may be called again and again, always with what is there now.

        Raises:
            IndexMissing.
        """
        for _ in range(_MOST_TRIES):
            state, revision = await self._read(index, name)
            changed = change(state)
            if changed is None or await self._replace(index, name, changed, revision):
                return state if changed is None else changed
            # Others change it too: the one after the other, not all at once again.
            await asyncio.sleep(random.uniform(0, _LONGEST_WAIT_SECONDS))  # noqa: S311
        raise ReadStoreUnavailable(f"Elasticsearch: others change {name} all the time")

    async def merge(self, index: str, name: str, part: State) -> None:
        """Put these members into the object beside those of others, in one step.

        Raises:
            IndexMissing.
        """
        try:
            await self._server.write(
                lambda client: client.update(
                    index=index,
                    id=name,
                    doc={STATE: part},
                    doc_as_upsert=True,
                    retry_on_conflict=_MOST_TRIES,
                ),
                expected=(NotFoundError,),
            )
        except NotFoundError as error:
            raise IndexMissing(index) from error

    async def _read(self, index: str, name: str) -> tuple[State, Mapping[str, Any]]:
        """The object, and what must still be so when it is replaced."""
        try:
            hit = await self._server.read(
                lambda client: client.get(index=index, id=name), expected=(NotFoundError,)
            )
        except NotFoundError as error:
            if is_index_missing(error):
                raise IndexMissing(index) from error
            return {}, {"op_type": "create"}
        revision = {"if_seq_no": hit["_seq_no"], "if_primary_term": hit["_primary_term"]}
        return hit["_source"][STATE], revision

    async def _replace(
        self, index: str, name: str, state: State, revision: Mapping[str, Any]
    ) -> bool:
        """Whether nobody else was quicker."""
        try:
            await self._server.write(
                lambda client: client.index(
                    index=index, id=name, document={STATE: state}, **revision
                ),
                expected=(ConflictError, NotFoundError),
            )
        except ConflictError:
            return False
        except NotFoundError as error:
            raise IndexMissing(index) from error
        return True


async def get_all(
    server: Server, index: str, ids: Sequence[str], fields: Sequence[str]
) -> Sequence[Mapping[str, Any]]:
    """Documents as last written, by `_id` and in that order, whether they exist or not.

    Raises:
        IndexMissing.
    """

    async def ask() -> Sequence[Mapping[str, Any]]:
        answer = await _multi_get(server.client, index, ids, fields)
        for hit in answer:
            if "error" in hit:
                if hit["error"]["type"] == "index_not_found_exception":
                    raise IndexMissing(index)
                raise NotNow(hit["error"]["reason"])
        return answer

    return await server.patiently(ask, seconds=READ_SECONDS)


async def _multi_get(
    client: AsyncElasticsearch, index: str, ids: Sequence[str], fields: Sequence[str]
) -> Sequence[Mapping[str, Any]]:
    answer = await client.mget(index=index, ids=list(ids), source_includes=list(fields))
    return answer["docs"]

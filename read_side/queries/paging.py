"""Pages of lists."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from read_side.port import Document, Documents, Search
from read_side.queries.views import Page, Shown

DEFAULT_LIMIT = 50
MAX_LIMIT = 200


@dataclass(frozen=True, slots=True)
class PageWanted:
    """How many are wanted (1 to `MAX_LIMIT`), and after which page (None: the first)."""

    limit: int = DEFAULT_LIMIT
    cursor: str | None = None


async def page_of(
    documents: Documents, projection: str, search: Search, view: Callable[[Document], Shown]
) -> Page[Shown]:
    """One page of a search, each document as callers see it.

    Raises:
        InvalidCursor: the cursor is not one of this search.
        ReadStoreUnavailable: the read store can't answer now.
    """
    found = await documents.search(projection, search)
    return {
        "items": [view(document) for document in found.documents],
        "next_cursor": found.next_cursor,
    }

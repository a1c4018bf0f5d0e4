"""Stock levels."""

from __future__ import annotations

from contracts.documents import STOCK_LEVELS
from contracts.errors import NotFound
from read_side.port import Between, Documents, Search
from read_side.queries.paging import PageWanted, page_of
from read_side.queries.views import Page, StockView, stock_view


async def get_stock(documents: Documents, sku: str) -> StockView:
    """The stock of one SKU.

    Raises:
        NotFound: nothing is known of it.
        ReadStoreUnavailable: the read store can't answer now.
    """
    stock = await documents.get(STOCK_LEVELS.name, sku)
    if stock is None:
        raise NotFound(f"There is no stock of {sku}.", code="stock-not-found")
    return stock_view(stock)


async def list_stock(
    documents: Documents, page: PageWanted, *, below: int | None = None
) -> Page[StockView]:
    """A page of stock levels by SKU, only those with less than `below` available if given.

    Raises:
        InvalidCursor: the cursor is not one of this list.
        ReadStoreUnavailable: the read store can't answer now.
    """
    conditions = () if below is None else (Between("available", below=below),)
    search = Search(conditions, limit=page.limit, cursor=page.cursor)
    return await page_of(documents, STOCK_LEVELS.name, search, stock_view)

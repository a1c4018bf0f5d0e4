"""The catalogue: public."""

from __future__ import annotations

from contracts.documents import PRODUCT_CATALOGUE
from contracts.errors import NotFound
from read_side.port import AnyOf, Condition, Documents, Matches, Search
from read_side.queries.paging import PageWanted, page_of
from read_side.queries.views import Page, ProductView, product_view


async def get_product(documents: Documents, product_id: str) -> ProductView:
    """One product, discontinued or not.

    Raises:
        NotFound: there is none.
        ReadStoreUnavailable: the read store can't answer now.
    """
    product = await documents.get(PRODUCT_CATALOGUE.name, product_id)
    if product is None:
        raise NotFound(f"There is no product {product_id}.", code="product-not-found")
    return product_view(product)


async def list_products(
    documents: Documents, page: PageWanted, *, q: str | None = None, status: str | None = None
) -> Page[ProductView]:
    """A page of products by name; `q` is words of name and description.

    Raises:
        InvalidCursor: the cursor is not one of this list.
        ReadStoreUnavailable: the read store can't answer now.
    """
    conditions: list[Condition] = []
    if q is not None:
        conditions.append(Matches(q))
    if status is not None:
        conditions.append(AnyOf("status", (status,)))
    search = Search(tuple(conditions), sort="name_key", limit=page.limit, cursor=page.cursor)
    return await page_of(documents, PRODUCT_CATALOGUE.name, search, product_view)

"""The catalogue."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from api.http.documentation import problems
from api.http.route import GuardedRoute
from api.query_api import examples
from api.query_api.parameters import PathId, ProductParameters
from api.query_api.reading import NoParameters, Reading, answer, answers
from contracts.documents import PRODUCT_CATALOGUE
from read_side.queries import products
from read_side.queries.views import Page, ProductView

router = APIRouter(route_class=GuardedRoute, tags=["products"])


@router.get(
    "/api/products/{id}",
    response_model=ProductView,
    responses={200: answers("The product", examples.PRODUCT, etag=True), **problems(422)},
    dependencies=[NoParameters],
    summary="See a product",
)
async def get_product(product_id: PathId, read: Reading) -> Response:
    """A discontinued product can still be seen."""
    documents = await read.to_get(PRODUCT_CATALOGUE.name)
    product = await products.get_product(documents, product_id)
    return answer(product, version=product["version"])


@router.get(
    "/api/products",
    response_model=Page[ProductView],
    responses={200: answers("A page of products", examples.PRODUCT_PAGE)},
    summary="Search the catalogue",
)
async def list_products(wanted: Annotated[ProductParameters, Query()], read: Reading) -> Response:
    """All products by name, discontinued ones too unless `status=active`."""
    documents = await read.to_search(PRODUCT_CATALOGUE.name)
    page = await products.list_products(documents, wanted.page(), q=wanted.q, status=wanted.status)
    return answer(page)

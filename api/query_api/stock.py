"""Stock levels."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from api.http.documentation import problems
from api.http.route import GuardedRoute
from api.query_api import examples
from api.query_api.parameters import StockParameters
from api.query_api.reading import NoParameters, Reading, answer, answers
from contracts.documents import STOCK_LEVELS
from read_side.queries import stock
from read_side.queries.views import Page, StockView

router = APIRouter(route_class=GuardedRoute, tags=["stock"])


@router.get(
    "/api/stock/{sku}",
    response_model=StockView,
    responses={200: answers("The stock of the SKU", examples.STOCK, etag=True), **problems(422)},
    dependencies=[NoParameters],
    summary="See the stock of a SKU",
)
async def get_stock(sku: str, read: Reading) -> Response:
    """On hand, by location too; reserved; and what is left to reserve."""
    documents = await read.to_get(STOCK_LEVELS.name)
    level = await stock.get_stock(documents, sku)
    return answer(level, version=level["version"])


@router.get(
    "/api/stock",
    response_model=Page[StockView],
    responses={200: answers("A page of stock levels", examples.STOCK_PAGE)},
    summary="List stock",
)
async def list_stock(wanted: Annotated[StockParameters, Query()], read: Reading) -> Response:
    """By SKU."""
    documents = await read.to_search(STOCK_LEVELS.name)
    return answer(await stock.list_stock(documents, wanted.page(), below=wanted.below))

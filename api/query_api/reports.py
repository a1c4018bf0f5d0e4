"""Reports."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from api.http.route import GuardedRoute
from api.query_api import examples
from api.query_api.parameters import SalesParameters
from api.query_api.reading import Reading, answer, answers
from contracts.documents import ORDER_DETAILS
from read_side.queries import reports
from read_side.queries.views import SalesReport

router = APIRouter(route_class=GuardedRoute, tags=["reports"])


@router.get(
    "/api/reports/sales",
    response_model=SalesReport,
    responses={200: answers("The report", examples.SALES)},
    summary="Sales by day or by product",
)
async def sales(wanted: Annotated[SalesParameters, Query()], read: Reading) -> Response:
    """Orders by `created_at` in one currency, without the cancelled ones.

    The key of a row is the day (UTC) or the product's id.
    """
    documents = await read.to_search(ORDER_DETAILS.name)
    report = await reports.sales(
        documents,
        by=wanted.by,
        currency=wanted.currency,
        created_from=wanted.created_from,
        created_to=wanted.to,
    )
    return answer(report)

"""Commands on products, and under which SKU they are kept."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from api.command_api.bodies import CommandAnswer, NewPrice, NewProduct, ProductDetails, ProductSku
from api.command_api.documentation import CHANGED, CREATED, SET
from api.command_api.route import Changing, CommandRoute, Creating
from contracts.commands.base import Id
from contracts.commands.inventory import MapProduct
from contracts.commands.sales import (
    AddProduct,
    ChangePrice,
    ChangeProductDetails,
    DiscontinueProduct,
)

router = APIRouter(route_class=CommandRoute, tags=["products"])


@router.post(
    "/api/products",
    status_code=201,
    response_model=CommandAnswer,
    responses=CREATED,
    summary="Offer a product",
)
async def add_product(call: Creating, body: NewProduct) -> Response:
    """From now on it can be ordered."""
    context = call.creating()
    command = AddProduct(
        product_id=context.new_id("products"),
        name=body.name,
        description=body.description,
        price=body.price,
    )
    return await call.create(command, context, "/api/products")


@router.patch(
    "/api/products/{id}",
    response_model=CommandAnswer,
    responses=CHANGED,
    summary="Change name or description of a product",
)
async def change_details(call: Changing, id: Id, body: ProductDetails) -> Response:  # noqa: A002
    """What is absent or null stays as it is."""
    return await call.change(
        ChangeProductDetails(product_id=id, name=body.name, description=body.description)
    )


@router.post(
    "/api/products/{id}/price",
    response_model=CommandAnswer,
    responses=CHANGED,
    summary="Change the price of a product",
)
async def change_price(call: Changing, id: Id, body: NewPrice) -> Response:  # noqa: A002
    """For lines added from now on; those that are there keep theirs."""
    return await call.change(ChangePrice(product_id=id, price=body.price))


@router.post(
    "/api/products/{id}/discontinue",
    response_model=CommandAnswer,
    responses=CHANGED,
    summary="Stop offering a product",
)
async def discontinue(call: Changing, id: Id) -> Response:  # noqa: A002
    """It can't be ordered any more; orders that have it keep it."""
    return await call.change(DiscontinueProduct(product_id=id))


@router.put(
    "/api/products/{id}/sku",
    response_model=CommandAnswer,
    responses=SET,
    summary="Say under which SKU a product is kept",
)
async def map_product(call: Creating, id: Id, body: ProductSku) -> Response:  # noqa: A002
    """One to one, and for good: another SKU is refused."""
    command = MapProduct(product_id=id, sku=body.sku)
    return await call.change(command, call.context(version=False), named=id)

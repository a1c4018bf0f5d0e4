"""What commands take in their bodies and answer: the commands without what the path says."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictInt

from contracts.commands.base import Id, Sku
from contracts.commands.inventory import MAX_STOCK, Location, StockReason
from contracts.commands.sales import (
    MAX_LINES,
    OrderItem,
    PaymentMethod,
    Price,
    Quantity,
    Reason,
)
from contracts.commands.users import Email, Password, Secret
from contracts.values import Address, Name, Role, Text


def _example(**example: Any) -> ConfigDict:
    return ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": [example]})


_ID = "9f1c2d3e-0000-4000-8000-000000000001"
_PRICE = {"amount": "12.50", "currency": "EUR"}
_ADDRESS = {
    "recipient": "Ada Lovelace",
    "lines": ["12 rue de la Paix"],
    "city": "Paris",
    "postal_code": "75002",
    "country": "FR",
}


class NewUser(BaseModel):
    """Sign up."""

    model_config = _example(name="Ada Lovelace", email="ada@example.com", password="analytical 1")  # noqa: S106
    name: Name
    email: Email
    password: Password


class Profile(BaseModel):
    """Take another name or e-mail; what is absent stays."""

    model_config = _example(name="Ada King")
    name: Name | None = None
    email: Email | None = None


class Passwords(BaseModel):
    """Take another password."""

    model_config = _example(current_password="analytical 1", new_password="difference 2")  # noqa: S106
    current_password: Secret
    new_password: Password


class Roles(BaseModel):
    """Give roles and take roles away."""

    model_config = _example(grant=["auditor"], revoke=[])
    grant: Annotated[tuple[Role, ...], Field(max_length=4)] = ()
    revoke: Annotated[tuple[Role, ...], Field(max_length=4)] = ()


class Credentials(BaseModel):
    """Sign in."""

    model_config = _example(email="ada@example.com", password="analytical 1")  # noqa: S106
    email: Email
    password: Secret


class RefreshToken(BaseModel):
    """Go on with a session."""

    model_config = _example(refresh_token="...")  # noqa: S106
    refresh_token: Secret


class NewProduct(BaseModel):
    """Offer a product."""

    model_config = _example(name="Tea", description="Green, loose, 100 g", price=_PRICE)
    name: Name
    description: Text = ""
    price: Price


class ProductDetails(BaseModel):
    """Another name or description; what is absent stays."""

    model_config = _example(description="Green, loose, 250 g")
    name: Name | None = None
    description: Text | None = None


class NewPrice(BaseModel):
    """Another price, for lines added from now on."""

    model_config = _example(price=_PRICE)
    price: Price


class ProductSku(BaseModel):
    """Under which SKU the product is kept."""

    model_config = _example(sku="TEA.GREEN.100")
    sku: Sku


class NewOrder(BaseModel):
    """Begin an order. Customers order for themselves and may leave `customer_id` out."""

    model_config = _example(items=[{"product_id": _ID, "quantity": 2}], shipping_address=_ADDRESS)
    customer_id: Id | None = None
    items: Annotated[tuple[OrderItem, ...], Field(max_length=MAX_LINES)] = ()
    shipping_address: Address


class NewItem(BaseModel):
    """Put a product into an order."""

    model_config = _example(product_id=_ID, quantity=2)
    product_id: Id
    quantity: Quantity


class Confirmation(BaseModel):
    """Order bindingly."""

    model_config = _example(payment_method="tok_visa")
    payment_method: PaymentMethod | None = None


class Cancellation(BaseModel):
    """Give an order up."""

    model_config = _example(reason="ordered twice")
    reason: Reason


class Receipt(BaseModel):
    """Goods arrived."""

    model_config = _example(quantity=100, location="main")
    quantity: Annotated[StrictInt, Field(ge=1, le=1_000_000)]
    location: Location


class Count(BaseModel):
    """A stock-take counted what lies at a location."""

    model_config = _example(location="main", counted=97, reason="stock-take")
    location: Location
    counted: Annotated[StrictInt, Field(ge=0, le=MAX_STOCK)]
    reason: StockReason


class CommandAnswer(BaseModel):
    """What was changed, and its version since."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"id": _ID, "version": 3}]})
    id: str
    version: Annotated[int, Field(ge=-1)]


class ItemAnswer(CommandAnswer):
    """What was changed, its version since, and the new line."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"id": _ID, "version": 3, "item_id": _ID}]}
    )
    item_id: str


class Session(BaseModel):
    """Tokens of a session."""

    access_token: str
    refresh_token: str
    token_type: Literal["Bearer"]
    expires_in: Annotated[int, Field(description="Seconds until the access token expires")]

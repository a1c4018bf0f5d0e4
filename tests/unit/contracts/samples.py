"""One fixed sample of every event type, at version 3 of its stream."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from contracts.events.base import Event
from contracts.events.inventory import (
    ProductMapped,
    StockAdjusted,
    StockIssued,
    StockReceived,
    StockReleased,
    StockReserved,
    Taken,
)
from contracts.events.sales import (
    ItemAdded,
    ItemRemoved,
    OrderCancelled,
    OrderConfirmed,
    OrderCreated,
    OrderDelivered,
    OrderLine,
    OrderShipped,
    ProductAdded,
    ProductDetailsChanged,
    ProductDiscontinued,
    ProductPriceChanged,
)
from contracts.events.users import (
    EmailClaimed,
    EmailReleased,
    PasswordSet,
    PreparedEvent,
    ProfileChanged,
    RoleGranted,
    RoleRevoked,
    SessionRefreshed,
    SessionRevoked,
    SessionStarted,
    UserDeactivated,
    UserRegistered,
)
from contracts.metadata import Idempotency, Metadata
from contracts.values import Actor, Address, Money

ID = "9f1c2d3e-0000-4000-8000-000000000001"
CUSTOMER = "9f1c2d3e-0000-4000-8000-000000000002"
PRODUCT = "9f1c2d3e-0000-4000-8000-000000000003"
ITEM = "9f1c2d3e-0000-4000-8000-000000000004"
OCCURRED_AT = datetime(2026, 1, 5, 10, 0, 0, 250000, tzinfo=UTC)
EXPIRES_AT = datetime(2026, 1, 12, 10, 0, tzinfo=UTC)
ADA = Actor("user", CUSTOMER, ("customer", "auditor"))
ADDRESS = Address(
    recipient="Ada Lovelace",
    lines=("12 St James's Square", "Flat 3"),
    city="Łondon",
    country="GB",
    region=None,
    postal_code="SW1Y 4JH",
)
TEA = Money(Decimal("12.50"), "EUR")
SAMPLES: dict[str, Event] = {}


def _sample(event_type: type[Event], **data: Any) -> None:
    event = event_type(originator_id=ID, originator_version=3, timestamp=OCCURRED_AT, **data)
    SAMPLES[event_type.__name__] = event


def metadata_of(event: Event) -> Metadata:
    """The metadata every sample is stored with."""
    return Metadata(
        correlation_id="9f1c2d3e-0000-4000-8000-00000000000a",
        causation_id="9f1c2d3e-0000-4000-8000-00000000000b",
        command_id="9f1c2d3e-0000-4000-8000-00000000000b",
        command="DoSomething",
        actor=ADA,
        source="http",
        occurred_at=event.timestamp,
        schema_version=event.SCHEMA_VERSION,
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        idempotency=Idempotency("key", "0123456789abcdef", {"item_id": ITEM}),
    )


_sample(ProductAdded, name="Tea", description="Green, 100 g", price=TEA)
_sample(ProductDetailsChanged, name="Tea", description="")
_sample(ProductPriceChanged, price=Money(Decimal("1250"), "JPY"))
_sample(ProductDiscontinued)
_sample(
    OrderCreated,
    customer_id=CUSTOMER,
    items=(OrderLine(ITEM, PRODUCT, "Tea", TEA, 2),),
    total=Money(Decimal("25.00"), "EUR"),
    shipping_address=ADDRESS,
    external_reference="10248",
    discount=Money(Decimal("1.00"), "EUR"),
    freight=Money(Decimal("32.38"), "EUR"),
)
_sample(
    ItemAdded,
    item_id=ITEM,
    product_id=PRODUCT,
    product_name="Tea",
    unit_price=Money(Decimal("0.125"), "KWD"),
    quantity=10_000,
)
_sample(ItemRemoved, item_id=ITEM)
_sample(OrderConfirmed, total=TEA, payment_method="tok_visa")
_sample(OrderCancelled, reason="changed my mind", cancelled_by=ADA)
_sample(OrderShipped)
_sample(OrderDelivered)
_sample(StockReceived, location="main", quantity=100)
_sample(StockAdjusted, location="main", expected=100, counted=98, reason="two broken")
_sample(StockReserved, order_id=ID, order_version=4, quantity=7, before=5)
_sample(StockReleased, order_id=ID, order_version=5, quantity=7)
_sample(StockIssued, order_id=ID, quantity=7, taken=(Taken("annex", 3), Taken("main", 4)))
_sample(ProductMapped, product_id=PRODUCT, sku="TEA.GREEN.100")
_sample(UserRegistered, name="Ada Lovelace", email="ada@example.com", roles=("customer",))
_sample(ProfileChanged, name="Ada King", email="ada@example.org")
_sample(UserDeactivated)
_sample(RoleGranted, role="operator")
_sample(RoleRevoked, role="customer")
_sample(PasswordSet, password_hash="$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA")
_sample(
    EmailClaimed,
    user_id=CUSTOMER,
    user_version=1,
    prepared=(
        PreparedEvent(
            event_id=ITEM,
            stream=f"user-{CUSTOMER}",
            version=1,
            type="ProfileChanged",
            data='{"name":"Ada","email":"ada@example.com"}',
            metadata="{}",
        ),
    ),
)
_sample(EmailReleased, user_id=CUSTOMER)
_sample(
    SessionStarted,
    user_id=CUSTOMER,
    credential_version=2,
    token_hash="aa11",
    expires_at=EXPIRES_AT,
)
_sample(SessionRefreshed, token_hash="bb22", expires_at=EXPIRES_AT)
_sample(SessionRevoked, reason="signed out")

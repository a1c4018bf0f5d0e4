"""Examples in the API document."""

from __future__ import annotations

from typing import Any

_CUSTOMER_ID = "77aa1c2e-0b1e-4c1f-9a55-3f0c8f6d2b10"
_PRODUCT_ID = "9f1c2d3e-0000-4000-8000-000000000001"
_TOTAL = {"amount": "25.00", "currency": "EUR"}

ORDER: dict[str, Any] = {
    "id": "0b1e7a54-5d8c-4b0e-8f6a-6f1d2c3b4a59",
    "version": 3,
    "customer_id": _CUSTOMER_ID,
    "customer_name": "Ada Lovelace",
    "customer_email": "ada@example.com",
    "status": "confirmed",
    "items": [
        {
            "item_id": "5c0f6a1e-2b3c-4d5e-8f90-a1b2c3d4e5f6",
            "product_id": _PRODUCT_ID,
            "product_name": "Tea",
            "quantity": 2,
            "unit_price": {"amount": "12.50", "currency": "EUR"},
            "line_total": _TOTAL,
        }
    ],
    "total_amount": _TOTAL,
    "shipping_address": {
        "recipient": "Ada Lovelace",
        "lines": ["12 rue de la Paix"],
        "city": "Paris",
        "region": None,
        "postal_code": "75002",
        "country": "FR",
    },
    "created_at": "2026-01-05T10:00:00Z",
    "updated_at": "2026-01-05T10:02:11Z",
    "external_reference": None,
}
PRODUCT: dict[str, Any] = {
    "id": _PRODUCT_ID,
    "version": 0,
    "name": "Tea",
    "description": "Green, 100 g",
    "price": {"amount": "12.50", "currency": "EUR"},
    "status": "active",
}
USER: dict[str, Any] = {
    "id": _CUSTOMER_ID,
    "version": 0,
    "name": "Ada Lovelace",
    "email": "ada@example.com",
    "roles": ["customer"],
    "status": "active",
}
STOCK: dict[str, Any] = {
    "sku": "TEA.GREEN.100",
    "version": 4,
    "on_hand": 40,
    "reserved": 2,
    "available": 38,
    "locations": [{"location": "paris", "on_hand": 40}],
}
SALES: dict[str, Any] = {
    "rows": [{"key": "2026-01-05", "orders": 1, "units": 2, "revenue": _TOTAL}],
    "total": _TOTAL,
}


def _page(example: dict[str, Any]) -> dict[str, Any]:
    return {"items": [example], "next_cursor": None}


def parked(request: str | None) -> dict[str, Any]:
    """A parked stream, maybe with what an operator asked for."""
    return {
        "id": f"order_details:order-{ORDER['id']}",
        "projection": "order_details",
        "stream": f"order-{ORDER['id']}",
        "version": 2,
        "error": "KeyError: 'items'",
        "request": request,
    }


_EVENT_ID = "3f0c8f6d-2b10-4c1f-9a55-77aa1c2e0b1e"
_COMMAND_ID = "5b1f9a52-8a0e-4b0c-a4f7-0d9c1a2b3c4d"
AUDIT_ENTRY: dict[str, Any] = {
    "event_id": _EVENT_ID,
    "stream": f"order-{ORDER['id']}",
    "version": 1,
    "type": "OrderConfirmed",
    "occurred_at": "2026-01-05T10:02:11Z",
    "recorded_at": "2026-01-05T10:02:11.035Z",
    "actor": {"kind": "user", "id": _CUSTOMER_ID, "roles": ["customer"]},
    "command": "ConfirmOrder",
    "correlation_id": "0d9c1a2b-3c4d-4b0c-a4f7-5b1f9a528a0e",
    "causation_id": _COMMAND_ID,
    "summary": "Ada Lovelace confirmed the order",
    "changes": [{"path": "status", "before": "created", "after": "confirmed"}],
    "payload": {"total": _TOTAL, "payment_method": None},
}
AUDIT_PAGE = _page(AUDIT_ENTRY)
CONSEQUENCES: dict[str, Any] = {
    **AUDIT_ENTRY,
    "consequences": [],
    "cause": None,
    "truncated": False,
}
ORDER_PAGE = {**_page(ORDER), "counts": {"confirmed": 1}}
PRODUCT_PAGE = _page(PRODUCT)
USER_PAGE = _page(USER)
STOCK_PAGE = _page(STOCK)
PARKED_PAGE = _page(parked(None))
_PROJECTION: dict[str, Any] = {
    "name": "order_details",
    "generation": 1,
    "state": "live",
    "lag_seconds": 0.0,
    "parked": 0,
    "rebuild": None,
    "partitions": {},
}
PROJECTIONS = _page(_PROJECTION)
PROJECTION_REBUILT = {
    **_PROJECTION,
    "rebuild": {"generation": 2, "phase": "loading", "done": 40000, "total": 100000, "error": None},
}

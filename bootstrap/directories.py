"""What one context needs of another, filled from the other's aggregates."""

from __future__ import annotations

from collections import Counter

from write_side.inventory.ports import OrderContents
from write_side.kernel.repository import Repository
from write_side.sales.order import Order
from write_side.sales.ports import Customer
from write_side.sales.product import Product
from write_side.users.user import User


class UsersAsCustomers:
    """Sales' `CustomerDirectory`: replays the user, so that register-then-order never fails."""

    def __init__(self, users: Repository[User]) -> None:
        """Use the users' repository."""
        self._users = users

    async def find(self, customer_id: str) -> Customer | None:
        """The customer, if there is such a user."""
        user = await self._users.look_up(customer_id)
        return Customer(customer_id, user.active) if user.exists else None


class OrdersAsBook:
    """Inventory's `OrderBook`: replays the order up to the version."""

    def __init__(self, orders: Repository[Order]) -> None:
        """Use the orders' repository."""
        self._orders = orders

    async def contents(self, order_id: str, version: int) -> OrderContents:
        """What the order holds as of that version."""
        quantities: Counter[str] = Counter()
        order = await self._orders.load(order_id, version=version)
        for line in order.items.values():
            quantities[line.product_id] += line.quantity
        return OrderContents(quantities, imported=order.external_reference is not None)


class ProductsAsCatalogue:
    """Inventory's `ProductCatalogue`."""

    def __init__(self, products: Repository[Product]) -> None:
        """Use the products' repository."""
        self._products = products

    async def exists(self, product_id: str) -> bool:
        """Whether there is such a product."""
        return (await self._products.look_up(product_id)).exists

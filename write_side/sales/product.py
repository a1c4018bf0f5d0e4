"""The product aggregate."""

from __future__ import annotations

from datetime import datetime
from functools import singledispatchmethod

from contracts.errors import Refused
from contracts.events.sales import (
    ProductAdded,
    ProductDetailsChanged,
    ProductDiscontinued,
    ProductPriceChanged,
)
from contracts.values import Money
from write_side.kernel.aggregate import Aggregate


class Product(Aggregate):
    """Something that can be ordered, at a price, until it is discontinued."""

    CATEGORY = "product"
    NAME = "product"

    name: str = ""
    description: str = ""
    price: Money | None = None
    discontinued: bool = False

    def add(self, name: str, description: str, price: Money, *, at: datetime) -> None:
        """Offer it."""
        if self.exists:
            raise Refused(f"Product {self.id} exists already.", code="product-exists")
        self.trigger(ProductAdded, at, name=name, description=description, price=price)

    def change_details(self, name: str | None, description: str | None, *, at: datetime) -> None:
        """Give it another name or description; None leaves it as it is."""
        self._refuse_if_discontinued()
        name = self.name if name is None else name
        description = self.description if description is None else description
        if (name, description) != (self.name, self.description):
            self.trigger(ProductDetailsChanged, at, name=name, description=description)

    def change_price(self, price: Money, *, at: datetime) -> None:
        """Give it another price."""
        self._refuse_if_discontinued()
        if price != self.price:
            self.trigger(ProductPriceChanged, at, price=price)

    def discontinue(self, *, at: datetime) -> None:
        """Stop offering it."""
        if not self.discontinued:
            self.trigger(ProductDiscontinued, at)

    def _refuse_if_discontinued(self) -> None:
        if self.discontinued:
            raise Refused(f"Product {self.id} is discontinued.", code="product-discontinued")

    @singledispatchmethod
    def evolve(self, event: object) -> None:
        """Follow an event."""
        raise TypeError(f"a product does not know {type(event).__name__}")

    @evolve.register
    def _(self, event: ProductAdded) -> None:
        self.name, self.description, self.price = event.name, event.description, event.price

    @evolve.register
    def _(self, event: ProductDetailsChanged) -> None:
        self.name, self.description = event.name, event.description

    @evolve.register
    def _(self, event: ProductPriceChanged) -> None:
        self.price = event.price

    @evolve.register
    def _(self, event: ProductDiscontinued) -> None:
        self.discontinued = True

"""What the demo shop sells, to whom, and what was ordered. All made up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from contracts.values import Address, Role

CURRENCY = "EUR"
FIRST_SKU = "DEMO.TEA.GREEN"


@dataclass(frozen=True, slots=True)
class Ware:
    """A product, and how much of it is in stock."""

    sku: str
    name: str
    description: str
    price: str
    stock: int


@dataclass(frozen=True, slots=True)
class Person:
    """A user of the shop; without a password nobody can sign in as them."""

    name: str
    email: str
    role: Role = "customer"
    password: str | None = None


@dataclass(frozen=True, slots=True)
class DemoOrder:
    """An order, and what happened to it after it was created."""

    customer: Person
    items: tuple[tuple[str, int], ...]
    """SKUs and quantities."""
    days_ago: int
    steps: tuple[Literal["confirm", "cancel", "ship", "deliver"], ...] = ()


WARES = (
    Ware(FIRST_SKU, "Green tea", "Sencha, 100 g", "12.50", 120),
    Ware("DEMO.TEA.BLACK", "Black tea", "Assam, 250 g", "14.90", 80),
    Ware("DEMO.TEA.MINT", "Mint tea", "Nana mint, 50 g", "6.80", 60),
    Ware("DEMO.COFFEE.BEANS", "Coffee beans", "Espresso roast, 500 g", "16.00", 45),
    Ware("DEMO.CUP.BLUE", "Blue cup", "Stoneware, 0.3 l", "9.95", 200),
    Ware("DEMO.POT.CAST", "Cast iron teapot", "0.8 l, with a sieve", "48.00", 12),
    Ware("DEMO.KETTLE", "Water kettle", "1.7 l, holds 80 degrees", "79.00", 7),
    Ware("DEMO.HONEY.LIME", "Lime honey", "500 g", "8.20", 3),
)

ADA = Person("Ada Lovelace", "ada@shop.example.com", password="tea-and-engines")  # noqa: S106
GRACE = Person("Grace Hopper", "grace@shop.example.com", password="tea-and-compilers")  # noqa: S106
ALAN = Person("Alan Turing", "alan@shop.example.com", password="tea-and-machines")  # noqa: S106
EMMY = Person("Emmy Noether", "emmy@shop.example.com", password="tea-and-rings")  # noqa: S106
CUSTOMERS = (ADA, GRACE, ALAN, EMMY)
OPERATOR = Person("Olga Operator", "operator@shop.example.com", "operator")
AUDITOR = Person("Anton Auditor", "auditor@shop.example.com", "auditor")

_DELIVERED = ("confirm", "ship", "deliver")
ORDERS = (
    DemoOrder(
        ADA, (("DEMO.TEA.GREEN", 2), ("DEMO.CUP.BLUE", 4)), 9, ("confirm", "ship", "deliver")
    ),
    DemoOrder(GRACE, (("DEMO.COFFEE.BEANS", 3),), 7, ("confirm", "ship", "deliver")),
    DemoOrder(ALAN, (("DEMO.POT.CAST", 1), ("DEMO.TEA.BLACK", 2)), 4, ("confirm", "ship")),
    DemoOrder(ADA, (("DEMO.KETTLE", 1),), 3, ("confirm", "cancel")),
    DemoOrder(EMMY, (("DEMO.TEA.MINT", 5), ("DEMO.HONEY.LIME", 1)), 2, ("confirm",)),
    DemoOrder(GRACE, (("DEMO.CUP.BLUE", 2),), 1, ("cancel",)),
    DemoOrder(ALAN, (("DEMO.TEA.GREEN", 1), ("DEMO.HONEY.LIME", 1)), 0),
    DemoOrder(EMMY, (), 0),
)


def address_of(person: Person) -> Address:
    """Where the person's parcels go."""
    return Address(person.name, ("12 Rue des Essais",), "Lyon", "FR", None, "69001")

from contracts.errors import Refused
from contracts.events.sales import (
    ProductAdded,
    ProductDetailsChanged,
    ProductDiscontinued,
    ProductPriceChanged,
)
from contracts.values import Money
from tests.support.aggregates import AT, given, happened
from write_side.sales.product import Product

PRICE = Money.from_minor(1250, "EUR")
DEARER = Money.from_minor(1300, "EUR")
ADDED = happened(ProductAdded, name="Tea", description="Green", price=PRICE)
GONE = happened(ProductDiscontinued)


def test_nothing_when_adding_then_added():
    outcome = given(Product).when(lambda p: p.add("Tea", "Green", PRICE, at=AT)).then(ADDED)
    product = outcome.aggregate
    assert (product.name, product.description, product.price) == ("Tea", "Green", PRICE)
    assert not product.discontinued


def test_added_when_adding_again_then_refused():
    given(Product, ADDED).when(lambda p: p.add("Tea", "Green", PRICE, at=AT)).refused(
        "product-exists", Refused
    )


def test_added_when_changing_the_name_then_the_description_stays():
    outcome = given(Product, ADDED).when(lambda p: p.change_details("Chai", None, at=AT))
    outcome.then(happened(ProductDetailsChanged, name="Chai", description="Green"))
    assert outcome.aggregate.name == "Chai"


def test_added_when_emptying_the_description_then_the_name_stays():
    given(Product, ADDED).when(lambda p: p.change_details(None, "", at=AT)).then(
        happened(ProductDetailsChanged, name="Tea", description="")
    )


def test_added_when_changing_to_the_same_details_then_nothing():
    given(Product, ADDED).when(lambda p: p.change_details("Tea", "Green", at=AT)).nothing()
    given(Product, ADDED).when(lambda p: p.change_details(None, None, at=AT)).nothing()


def test_discontinued_when_changing_details_then_refused():
    given(Product, ADDED, GONE).when(lambda p: p.change_details("Chai", None, at=AT)).refused(
        "product-discontinued", Refused
    )


def test_added_when_changing_the_price_then_changed():
    outcome = given(Product, ADDED).when(lambda p: p.change_price(DEARER, at=AT))
    outcome.then(happened(ProductPriceChanged, price=DEARER))
    assert outcome.aggregate.price == DEARER


def test_added_when_changing_to_another_currency_then_changed():
    dollars = Money.from_minor(1250, "USD")
    given(Product, ADDED).when(lambda p: p.change_price(dollars, at=AT)).then(
        happened(ProductPriceChanged, price=dollars)
    )


def test_added_when_changing_to_the_same_price_then_nothing():
    given(Product, ADDED).when(lambda p: p.change_price(PRICE, at=AT)).nothing()


def test_discontinued_when_changing_the_price_then_refused():
    given(Product, ADDED, GONE).when(lambda p: p.change_price(DEARER, at=AT)).refused(
        "product-discontinued", Refused
    )


def test_added_when_discontinuing_then_discontinued():
    outcome = given(Product, ADDED).when(lambda p: p.discontinue(at=AT)).then(GONE)
    assert outcome.aggregate.discontinued


def test_discontinued_when_discontinuing_then_nothing():
    given(Product, ADDED, GONE).when(lambda p: p.discontinue(at=AT)).nothing()

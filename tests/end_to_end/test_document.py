"""The whole system answers as its API document says, whatever is asked and whoever asks."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from api.command_api.app import ROUTERS as COMMAND_ROUTERS
from api.http.app import create_app
from api.query_api.app import ROUTERS as QUERY_ROUTERS
from api.security.access import ACCESS, OPERATOR
from api.security.tokens import AccessTokens
from tests.end_to_end.shop import Shop, made, open_shop
from tests.end_to_end.system import SECRET, System, running

# A schema can't say everything: that a product exists, that a password is the right one.
NOT_PROMISED = [positive_data_acceptance]
DOCUMENT = create_app(
    "orderlog", (*COMMAND_ROUTERS, *QUERY_ROUTERS), AccessTokens(SECRET.encode())
).openapi()
# Each parameter's limits are tried on either API alone; here it is what they do together.
asked = schemathesis.openapi.from_dict(
    DOCUMENT,
    config=schemathesis.Config.from_dict({"phases": {"coverage": {"enabled": False}}}),
)
# What the API says of itself does not depend on where the events are.
pytestmark = pytest.mark.parametrize("topology", ["sqlite"], indirect=True)
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Place:
    """A system with something in it, so that not everything that is asked for is missing."""

    def __init__(self, system: System, shop: Shop, orders: dict[str, str]) -> None:
        self.system = system
        self._known = {"orders": orders["id"], "products": shop.products[0]}
        self._known |= dict.fromkeys(("users", "customers"), shop.customers[0])

    def check(self, case, role) -> None:
        """Ask, and compare the answer with the document."""
        self._direct(case)
        token = self.system.token(role, self._known["users"])
        headers = {"Authorization": f"Bearer {token}"}
        case.call_and_validate(
            base_url=self.system.base_url, headers=headers, excluded_checks=NOT_PROMISED
        )

    def _direct(self, case) -> None:
        """Let a request for any id be one for an id that is there."""
        known = self._known.get(case.operation.path.split("/")[2])
        given = case.path_parameters.get("id")
        if known is not None and isinstance(given, str) and UUID.fullmatch(given):
            case.path_parameters["id"] = known


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, topology: str) -> Iterator[Place]:
    with running(tmp_path_factory.mktemp("documented"), topology) as system:
        assert httpx.get(f"{system.base_url}/openapi.json").json() == DOCUMENT
        shop = asyncio.run(open_shop(system))
        yield Place(system, shop, asyncio.run(an_order(system, shop)))


async def an_order(system: System, shop: Shop) -> dict[str, str]:
    async with system.client("customer", shop.customers[0]) as client:
        return made(await client.post("/api/orders", json=shop.order(1)))


def is_for_operators(operation) -> bool:
    """Whether anybody else is refused, whatever they ask."""
    return ACCESS.get((operation.method.upper(), operation.path)) is OPERATOR


def modestly(examples: int):
    return settings(
        max_examples=examples,
        derandomize=True,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


@asked.parametrize()
@modestly(4)
def test_operator_when_anything_is_asked_then_answered_as_documented(case, place: Place):
    place.check(case, "operator")


@asked.exclude(lambda context: is_for_operators(context.operation)).parametrize()
@modestly(4)
def test_customer_when_anything_is_asked_then_answered_as_documented(case, place: Place):
    place.check(case, "customer")

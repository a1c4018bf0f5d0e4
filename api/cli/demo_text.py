"""What a visitor of the demo shop reads: where to look, and what to paste."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from api.cli import demo_goods as goods
from api.cli.demo_shop import DemoShop
from contracts.values import Role


def describe(
    shop: DemoShop,
    base_url: str,
    tokens: Mapping[Role, str],
    *,
    consistency_token: str,
    program: str,
) -> str:
    """What a visitor sees: where the API document is, tokens, and four lines to paste.

    Args:
        shop: what `fill` returned.
        base_url: where the server answers, without a slash at the end.
        tokens: of the shop's customer, operator and auditor.
        consistency_token: for `CONFIRMED_VERSION` of `shop.order_stream`, so that the third
            line shows the order as confirmed, however soon it is pasted.
        program: how to call `orderlog` on this data folder; see `this_program`.
    """
    who = "\n".join(f"  {role:<9} {token}" for role, token in tokens.items())
    lines = "\n".join(_four_lines(shop, base_url, tokens["customer"], consistency_token, program))
    customer = goods.CUSTOMERS[0]
    return f"""\
The demo shop is open. Ctrl-C closes it.

  API document  {base_url}/docs
  OpenAPI       {base_url}/openapi.json
  Sign in as    {customer.email}, password {customer.password} (POST {base_url}/api/sessions)

Tokens to try, as "Authorization: Bearer ...":

{who}

Four lines to paste into another terminal: create an order, confirm it, see it, list its events.

{lines}
"""


def this_program(data: Path, event_store: str | None = None) -> str:
    """How to call the program that runs now, from any folder, on the same data.

    The URI of an event store is left out if it has a password.
    """
    program = Path(sys.argv[0]).absolute()
    call = f"ORDERLOG_DATA={shlex.quote(str(data.absolute()))} {shlex.quote(str(program))}"
    if event_store is None or "@" in event_store:
        return call
    return f"ORDERLOG_EVENT_STORE={shlex.quote(event_store)} {call}"


def _four_lines(
    shop: DemoShop, base_url: str, token: str, consistency_token: str, program: str
) -> list[str]:
    order = {
        "items": [{"product_id": shop.product_id, "quantity": 2}],
        "shipping_address": goods.address_of(goods.CUSTOMERS[0]),
    }
    one = f"{base_url}/api/orders/{shop.order_id}"
    return [
        _curl(f"{base_url}/api/orders", token, order, ("Idempotency-Key", shop.key)),
        _curl(f"{one}/confirm", token, {"payment_method": "tok_visa"}),
        _curl(one, token, None, ("Consistency-Token", consistency_token)),
        f"{program} events show {shop.order_stream}",
    ]


def _curl(url: str, token: str, body: object | None, *headers: tuple[str, str]) -> str:
    words = ["curl", "-sS", "-w", r"\n", url, "-H", f"Authorization: Bearer {token}"]
    for name, value in headers:
        words += ["-H", f"{name}: {value}"]
    if body is not None:
        words += ["-H", "Content-Type: application/json", "-d", msgspec.json.encode(body).decode()]
    return shlex.join(words)

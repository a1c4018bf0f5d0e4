"""What the demo shop holds, and the lines it offers to paste."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from api.cli.demo_goods import CUSTOMERS, OPERATOR
from api.cli.demo_shop import CONFIRMED_VERSION, DemoShop, fill
from api.cli.demo_text import describe, this_program
from bootstrap.container import Container
from tests.support.cli import CommandLine
from write_side.kernel.context import by_system


async def filled(container: Container) -> DemoShop:
    return await fill(container.bus, container.events)


def test_the_shop_has_users_products_stock_and_orders_in_all_states(
    orderlog: CommandLine,
) -> None:
    shop = orderlog.inside(filled)
    events = orderlog.tail()
    types = Counter(e["type"] for e in events)
    assert (types["ProductAdded"], types["ProductMapped"], types["StockReceived"]) == (8, 8, 8)
    roles = Counter(e["payload"]["roles"][0] for e in events if e["type"] == "UserRegistered")
    assert roles == {"customer": 4, "operator": 1, "auditor": 1}
    last = {e["stream"]: e["type"] for e in events if e["aggregate_type"] == "order"}
    assert Counter(last.values()) == {
        "OrderCreated": 2,
        "OrderConfirmed": 1,
        "OrderShipped": 1,
        "OrderDelivered": 2,
        "OrderCancelled": 2,
    }
    assert {shop.customer_id, shop.operator_id, shop.auditor_id} <= {
        e["aggregate_id"] for e in events if e["type"] == "UserRegistered"
    }


def test_filled_again_the_shop_stays_as_it_is(orderlog: CommandLine) -> None:
    first = orderlog.inside(filled)
    before = orderlog.tail()
    second = orderlog.inside(filled)
    assert orderlog.tail() == before
    assert (first.customer_id, first.product_id) == (second.customer_id, second.product_id)
    assert first.order_id != second.order_id


def test_customers_can_sign_in_and_the_operator_can_not(orderlog: CommandLine) -> None:
    async def sign_in(container: Container) -> None:
        await filled(container)
        for person in CUSTOMERS:
            context = by_system("test")
            answer = await container.sessions.sign_in(person.email, person.password, context)
            assert answer.roles == ("customer",)

    orderlog.inside(sign_in)
    assert OPERATOR.password is None


def test_the_four_lines_do_what_they_say(orderlog: CommandLine) -> None:
    orders = {paste(orderlog) for _ in range(2)}
    assert len(orders) == 2


def paste(orderlog: CommandLine) -> str:
    """Open the shop, paste the four lines into a shell, and say which order they made."""
    with orderlog.start("demo") as server:
        try:
            text = read_text(server)
            create, confirm, see, show = text.rstrip().splitlines()[-4:]
            assert "/docs" in text
            assert "/openapi.json" in text
            created = pasted(create)
            assert created["version"] == 0
            assert pasted(confirm)["version"] == CONFIRMED_VERSION
            seen = pasted(see)
            assert (seen["id"], seen["status"]) == (created["id"], "confirmed")
            assert (seen["customer_name"], seen["items"][0]["quantity"]) == ("Ada Lovelace", 2)
            lines = run(show).splitlines()
            assert [line.split()[3] for line in lines] == ["OrderCreated", "OrderConfirmed"]
            return created["id"]
        finally:
            server.terminate()


def read_text(server: subprocess.Popen[str]) -> str:
    lines: list[str] = []
    for line in server.stdout:
        lines.append(line)
        if " events show " in line:
            return "".join(lines)
    pytest.fail(f"the server ended: {''.join(lines)}")


def run(line: str) -> str:
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=30, cwd="/")
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def pasted(line: str) -> dict:
    output = run(line)
    assert output.endswith("\n")
    return json.loads(output)


def test_lines_and_tokens_stand_alone_and_are_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/opt/my shop/orderlog"])
    program = this_program(Path("/var/my data"))
    assert program == "ORDERLOG_DATA='/var/my data' '/opt/my shop/orderlog'"
    shop = DemoShop("c", "o", "a", "p", key="k")
    text = describe(
        shop,
        "http://127.0.0.1:8000",
        {"customer": "T1", "operator": "T2", "auditor": "T3"},
        consistency_token="C",
        program=program,
    )
    lines = text.splitlines()
    assert [line for line in lines if line.startswith("curl ")] == lines[-4:-1]
    assert lines[-1] == f"{program} events show order-{shop.order_id}"
    for role, token in (("customer", "T1"), ("operator", "T2"), ("auditor", "T3")):
        assert any(line.split() == [role, token] for line in lines)

"""`orderlog import` on a made-up shop: what it adds, again, interrupted, with bad lines."""

import asyncio
import json
import shutil
from contextlib import aclosing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from api.cli.history.translation import customer_id, product_id
from contracts.commands.inventory import ReceiveStock
from contracts.errors import Unavailable
from event_store.sqlite import SqliteEventStore
from tests.support.cli import CommandLine
from write_side.kernel.bus import CommandBus
from write_side.kernel.context import by_system

STEPS = ("customers", "products", "orders", "stock", "discontinued")


def counts(summary: dict[str, Any]) -> dict[str, tuple[int, int, int]]:
    return {
        step: (it["added"], it["already_there"], it["refused"])
        for step in STEPS
        for it in [summary[step]]
    }


def test_history_keeps_its_dates_prices_and_references(orderlog: CommandLine, sample: Path) -> None:
    summary = orderlog.json("import", sample)
    assert counts(summary) == {
        "customers": (3, 0, 0),
        "products": (4, 0, 0),
        "orders": (5, 0, 0),
        "stock": (3, 0, 0),
        "discontinued": (1, 0, 0),
    }
    assert summary["problems"] == []
    events = orderlog.tail()
    created = {e["payload"]["external_reference"]: e for e in events if e["type"] == "OrderCreated"}
    first = created["501"]
    assert first["occurred_at"] == "2019-03-01T00:00:00Z"
    assert first["payload"]["customer_id"] == customer_id("HERON")
    assert [(i["product_name"], i["unit_price"]["amount"]) for i in first["payload"]["items"]] == [
        ("Oat biscuits", "4.00"),
        ("Elderflower syrup", "9.50"),
    ]
    assert first["payload"]["total"] == {"amount": "59.00", "currency": "USD"}
    assert first["payload"]["discount"]["amount"] == "2.85"
    assert first["payload"]["freight"]["amount"] == "7.10"
    of_order = [e for e in events if e["stream"] == first["stream"]]
    assert [(e["type"], e["occurred_at"][:10]) for e in of_order] == [
        ("OrderCreated", "2019-03-01"),
        ("OrderConfirmed", "2019-03-01"),
        ("OrderShipped", "2019-03-05"),
    ]
    assert {e["metadata"]["actor"]["kind"] for e in of_order} == {"system"}
    open_order = [e["type"] for e in events if e["stream"] == created["504"]["stream"]]
    assert open_order == ["OrderCreated", "OrderConfirmed"]


def test_stock_covers_what_was_ordered_and_what_is_there_today(
    orderlog: CommandLine, sample: Path
) -> None:
    orderlog.json("import", sample)
    events = orderlog.tail()
    received = {
        e["stream"]: e["payload"]["quantity"] for e in events if e["type"] == "StockReceived"
    }
    assert received == {"stock-IMPORT.1": 46, "stock-IMPORT.2": 5, "stock-IMPORT.3": 129}
    last = events[-1]
    assert (last["type"], last["aggregate_id"]) == ("ProductDiscontinued", product_id("2"))


def test_imported_again_it_adds_nothing(orderlog: CommandLine, sample: Path) -> None:
    orderlog.json("import", sample)
    before = orderlog.tail()
    again = orderlog.json("import", sample)
    assert counts(again) == {
        "customers": (0, 3, 0),
        "products": (0, 4, 0),
        "orders": (0, 5, 0),
        "stock": (0, 3, 0),
        "discontinued": (0, 1, 0),
    }
    assert orderlog.tail() == before


def test_stock_is_received_once_although_the_item_forgot_the_key(
    orderlog: CommandLine, sample: Path
) -> None:
    orderlog.json("import", sample)

    async def receive_often(container: Any) -> None:
        for number in range(70):
            context = by_system("test")
            command = ReceiveStock(sku="IMPORT.1", quantity=1, location=f"shelf {number % 3}")
            await container.bus.handle(command, context)

    orderlog.inside(receive_often)
    before = len(orderlog.tail())
    assert orderlog.json("import", sample)["stock"]["added"] == 0
    assert len(orderlog.tail()) == before


def test_bad_lines_are_reported_and_the_rest_goes_on(
    orderlog: CommandLine, sample: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "history"
    shutil.copytree(sample, folder)
    order = json.loads((sample / "orders.jsonl").read_text().splitlines()[0])
    line = order["lines"][0]
    with (folder / "customers.jsonl").open("ab") as file:
        file.write(b'\n{"customer_id": "NONAME"}\n\xff\xfe\n')
    with (folder / "orders.jsonl").open("a") as file:
        for bad in (
            {**order, "order_id": 601, "customer_id": "NOBODY"},
            {**order, "order_id": 602, "lines": [{**line, "product_id": 99}]},
            {**order, "order_id": 603, "lines": [{**line, "unit_price": "a lot"}]},
            {**order, "order_id": 501, "freight": "1.00"},
            order,
            {**order, "order_id": 604, "ship_to": {**order["ship_to"], "country": "Atlantis"}},
        ):
            print(json.dumps(bad), file=file)
        print('{"order_id": 605', file=file)
        print(json.dumps({**order, "order_id": 606}), file=file)

    result = orderlog("import", folder, "--json")
    assert result.exit_code == 1
    summary = json.loads(result.stdout)
    assert counts(summary)["customers"] == (3, 0, 2)
    assert counts(summary)["orders"] == (6, 1, 6)
    problems = {(p["file"], p["line"]): p["reason"] for p in summary["problems"]}
    expected = {
        ("customers.jsonl", 5): "company_name",
        ("customers.jsonl", 6): "JSON",
        ("orders.jsonl", 6): "There is no customer NOBODY.",
        ("orders.jsonl", 7): "There is no product 99.",
        ("orders.jsonl", 8): "unit_price",
        ("orders.jsonl", 9): "other contents",
        ("orders.jsonl", 11): "Atlantis",
        ("orders.jsonl", 12): "JSON",
    }
    assert list(problems) == list(expected)
    for place, reason in expected.items():
        assert reason in problems[place]
    assert result.stderr.splitlines() == [f"{f}:{n}: {r}" for (f, n), r in problems.items()]
    references = [e["payload"]["external_reference"] for e in created(orderlog)]
    assert sorted(references) == ["501", "502", "503", "504", "505", "606"]


def test_what_was_mended_is_added_the_next_time(
    orderlog: CommandLine, sample: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "history"
    shutil.copytree(sample, folder)
    (folder / "products.jsonl").write_text(
        (sample / "products.jsonl").read_text().replace('"19.90"', '"-19.90"')
    )
    assert orderlog("import", folder).exit_code == 1
    summary = orderlog.json("import", sample)
    assert counts(summary)["products"] == (1, 3, 0)


@pytest.mark.parametrize("name", ["customers", "products", "orders"])
def test_without_one_of_the_files_nothing_is_imported(
    orderlog: CommandLine, sample: Path, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "history"
    shutil.copytree(sample, folder)
    (folder / f"{name}.jsonl").unlink()
    result = orderlog("import", folder)
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"There is no {name}.jsonl in" in result.stderr
    assert orderlog.tail() == []


def test_the_summary_is_a_table_for_people(orderlog: CommandLine, sample: Path) -> None:
    rows = [line.split() for line in orderlog("import", sample).stdout.splitlines()]
    assert rows[0] == ["ADDED", "ALREADY", "THERE", "REFUSED"]
    assert rows[1:4] == [
        ["customers", "3", "0", "0"],
        ["products", "4", "0", "0"],
        ["orders", "5", "0", "0"],
    ]


def test_a_store_that_can_not_go_on_stops_the_import_with_one_line(
    orderlog: CommandLine, sample: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle, asked = CommandBus.handle, 0

    async def until_full(bus: CommandBus, command: Any, context: Any) -> Any:
        nonlocal asked
        asked += 1
        if asked > 5:
            raise Unavailable("The event store can't do it now: the disk is full")
        return await handle(bus, command, context)

    with monkeypatch.context() as patch:
        patch.setattr(CommandBus, "handle", until_full)
        result = orderlog("import", sample)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "the disk is full" in result.stderr
    assert "run it again to go on" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert orderlog("import", sample).exit_code == 0
    assert len(created(orderlog)) == 5


def test_killed_at_any_moment_it_ends_as_if_it_never_was(
    orderlog: CommandLine, tmp_path: Path
) -> None:
    folder = tmp_path / "history"
    write_history(folder, customers=20, products=12, orders=150)
    orderlog.data.mkdir()
    for events in (10, 60, 200):
        kill_after(orderlog, folder, events)
    assert orderlog("import", folder).exit_code == 0
    never_killed = CommandLine(tmp_path / "other")
    assert never_killed("import", folder).exit_code == 0
    assert facts(orderlog) == facts(never_killed)


def created(orderlog: CommandLine) -> list[dict[str, Any]]:
    return [e for e in orderlog.tail() if e["type"] == "OrderCreated"]


def facts(orderlog: CommandLine) -> dict[tuple[str, int], tuple[str, Any]]:
    """What happened, without when and in which order; SKUs are mapped in any order."""
    return {
        (e["stream"], e["payload"]["sku"] if e["type"] == "ProductMapped" else e["version"]): (
            e["type"],
            e["payload"],
        )
        for e in orderlog.tail()
    }


def kill_after(orderlog: CommandLine, folder: Path, events: int) -> None:
    """Kill an import once so many events are recorded that can be shown."""
    with orderlog.start("import", folder) as process:
        try:
            asyncio.run(recorded(orderlog.data / "events.db", events))
        finally:
            process.kill()
        assert process.wait() == -9


async def recorded(path: Path, events: int) -> None:
    store = await SqliteEventStore.open(path, poll_interval=0.001)
    try:
        async with aclosing(store.subscribe(categories=["user", "product", "order"])) as deliveries:
            seen = 0
            async for delivery in deliveries:
                seen += len(delivery.events)
                if seen >= events:
                    return
    finally:
        await store.close()


def write_history(folder: Path, *, customers: int, products: int, orders: int) -> None:
    """A made-up history of any size."""
    folder.mkdir()
    everyone = [{"customer_id": f"C{n}", "company_name": f"Customer {n}"} for n in range(customers)]
    goods = [
        {
            "product_id": n,
            "product_name": f"Product {n}",
            "unit_price": f"{n}.50",
            "units_in_stock": n,
            "discontinued": n % 5 == 0,
        }
        for n in range(products)
    ]
    to = {"name": "Someone", "street": "1 Road", "city": "Lyon", "country": "France"}
    past = [
        {
            "order_id": n,
            "customer_id": f"C{n % customers}",
            "order_date": str(date(2020, 1, 1) + timedelta(days=n)),
            "shipped_date": str(date(2020, 1, 4) + timedelta(days=n)) if n % 7 else None,
            "ship_to": to,
            "lines": [
                {"product_id": (n + i) % products, "unit_price": "2.50", "quantity": 1 + i}
                for i in range(3)
            ],
        }
        for n in range(orders)
    ]
    for name, records in (("customers", everyone), ("products", goods), ("orders", past)):
        lines = "".join(json.dumps(record) + "\n" for record in records)
        (folder / f"{name}.jsonl").write_text(lines)

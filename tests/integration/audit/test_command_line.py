"""`orderlog audit`, as people and programs use it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from contracts.commands.sales import CancelOrder, ConfirmOrder
from contracts.registry import PUBLISHED, category_of
from event_store.port import RecordedEvent
from tests.integration.audit.world import TEA, opened
from tests.support.cli import ROOT, CommandLine
from tests.support.commands import ADA, OPERATOR, uid

ORDER = uid(1)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """The command line on a folder where an order was built, confirmed and cancelled."""
    folder = tmp_path_factory.mktemp("audited") / "data"

    async def live() -> None:
        async with opened(folder) as world:
            await world.order(1, TEA)
            await world.do(ConfirmOrder(order_id=ORDER), ADA)
            await world.do(CancelOrder(order_id=ORDER, reason="too late"), OPERATOR)
            await world.settled()

    asyncio.run(live())
    return CommandLine(folder)


def recorded(shop: CommandLine) -> list[RecordedEvent]:
    return list(shop.inside(lambda container: _all(container)))


async def _all(container) -> list[RecordedEvent]:
    return list((await container.events.read_all(limit=10_000)).events)


def test_an_order_is_explained_and_so_is_what_followed(shop: CommandLine) -> None:
    entries = shop.json("audit", "order", ORDER)
    assert [entry["summary"] for entry in entries] == [
        "Ada Lovelace created the order with 1 line for 25.00 EUR",
        "Ada Lovelace confirmed the order",
        "Olga Operator cancelled the order: too late",
    ]
    result = shop("audit", "order", ORDER)
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["EVENT", "HAPPENED", "RECORDED", "WHAT", "COMMAND", "CHANGES"]
    for line, entry in zip(lines[1:4], entries, strict=True):
        assert entry["summary"] in line
        assert entry["command"] in line
    assert "status: created -> confirmed" in lines[2]
    tree = lines[4:]
    assert tree[0] == "what led to what"
    assert [("reserved 2" in line, "released the 2" in line) for line in tree[1:]] == [
        (False, False), (True, False), (False, False), (False, True)
    ]  # fmt: skip
    assert all(line == line.rstrip() for line in lines)


def test_a_stream_a_correlation_an_actor_and_an_event_agree(shop: CommandLine) -> None:
    entries = shop.json("audit", "stream", f"order-{ORDER}")
    assert entries == shop.json("audit", "order", ORDER)
    cancelled = entries[-1]
    [same, released] = shop.json("audit", "correlation", cancelled["correlation_id"])
    assert same == cancelled
    assert released["stream"] == "stock-TEA"
    assert released in shop.json("audit", "stream", "stock-TEA")
    assert released in shop.json("audit", "actor", "orderlog")
    assert [e for e in entries if e["actor"]["id"] == ADA.id] == [
        e for e in shop.json("audit", "actor", ADA.id) if e["stream"] == f"order-{ORDER}"
    ]
    tree = shop.json("audit", "event", cancelled["event_id"])
    assert [one["event_id"] for one in tree["consequences"]] == [released["event_id"]]
    assert shop.json("audit", "event", released["event_id"])["cause"] == cancelled


def test_as_much_of_an_actor_is_shown_as_asked_for(shop: CommandLine) -> None:
    everything = shop.json("audit", "actor", "orderlog")
    assert len(everything) > 3
    two = shop("audit", "actor", "orderlog", "--limit", "2", "--json")
    assert (two.exit_code, json.loads(two.stdout)) == (0, everything[:2])
    assert two.stderr == "orderlog: only the first 2 are shown.\n"
    enough = shop("audit", "actor", "orderlog", "--limit", len(everything))
    assert (enough.exit_code, enough.stderr) == (0, "")
    assert len(enough.stdout.splitlines()) == 1 + len(everything)
    assert shop("audit", "actor", "orderlog", "--limit", "0").exit_code == 2


def test_what_people_read_has_trees(shop: CommandLine) -> None:
    cancelled = shop.json("audit", "order", ORDER)[-1]
    lines = shop("audit", "correlation", cancelled["correlation_id"]).stdout.splitlines()
    assert lines[0] == f"correlation {cancelled['correlation_id']}"
    assert "cancelled the order" in lines[1]
    assert "└── " in lines[2]
    event = shop("audit", "event", cancelled["event_id"]).stdout.splitlines()
    assert event[0] == "from outside"
    stock = shop("audit", "stream", "stock-TEA").stdout
    assert "Ada Lovelace created the order" in stock.partition("what led to what")[2]


def test_a_stream_is_exported_line_by_line(shop: CommandLine, tmp_path: Path) -> None:
    entries = shop.json("audit", "stream", f"order-{ORDER}")
    printed = shop("audit", "stream", f"order-{ORDER}", "--export", "-")
    assert (printed.exit_code, printed.stderr) == (0, "")
    assert [json.loads(line) for line in printed.stdout.splitlines()] == entries
    file = tmp_path / "order.jsonl"
    file.write_text("something older and much longer\n" * 1000)
    result = shop("audit", "stream", f"order-{ORDER}", "--export", file)
    assert (result.exit_code, result.stdout) == (0, "")
    assert file.read_text() == printed.stdout
    missing = shop("audit", "stream", "order-1", "--export", tmp_path / "none.jsonl")
    nowhere = shop("audit", "stream", f"order-{ORDER}", "--export", tmp_path / "no" / "x.jsonl")
    for failed in (missing, nowhere):
        assert (failed.exit_code, failed.stdout) == (1, "")
    assert [path.name for path in tmp_path.iterdir()] == ["order.jsonl"]


def test_secrets_are_not_there_whoever_asks(shop: CommandLine) -> None:
    hidden = [event for event in recorded(shop) if category_of(event.stream) not in PUBLISHED]
    assert {category_of(event.stream) for event in hidden} == {"email", "sku_mapping"}
    for event in hidden:
        for words in (
            ("stream", event.stream),
            ("stream", event.stream, "--json"),
            ("stream", event.stream, "--export", "-"),
            ("event", str(event.id)),
        ):
            result = shop("audit", *words)
            assert (result.exit_code, result.stdout) == (1, "")
            assert result.stderr.startswith("orderlog: There is no ")
        correlation = json.loads(event.metadata)["$correlationId"]
        found = shop("audit", "correlation", correlation, "--json").stdout
        assert event.stream not in found
    assert "email-" not in shop("audit", "actor", "orderlog", "--json").stdout


@pytest.mark.parametrize(
    "words", [("order", "x"), ("stream", "order-x"), ("correlation", "x"), ("actor", "x"),
              ("event", "x"), ("stream", "nonsense"), ("stream", "")],
)  # fmt: skip
def test_what_is_not_there_is_an_error(shop: CommandLine, words: tuple[str, str]) -> None:
    result = shop("audit", *words)
    assert (result.exit_code, result.stdout) == (1, "")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("words", [("order", "\udcff"), ("order",), ("nothing", "x")])
def test_wrong_usage_is_told_apart(shop: CommandLine, words: tuple[str, ...]) -> None:
    assert shop("audit", *words).exit_code == 2


def test_imported_history_shows_when_it_happened_and_when_it_was_recorded(tmp_path: Path) -> None:
    orderlog = CommandLine(tmp_path / "data")
    assert orderlog("import", ROOT / "tests" / "data" / "history").exit_code == 0
    stream = next(e["stream"] for e in orderlog.tail() if e["type"] == "OrderShipped")
    entries = orderlog.json("audit", "stream", stream)
    assert [entry["command"] for entry in entries] == [
        "ImportOrder",
        "ConfirmOrder",
        "MarkOrderShipped",
    ]
    assert all(entry["occurred_at"] < "2020" < entry["recorded_at"] for entry in entries)
    assert " imported the order " in entries[0]["summary"]
    assert entries[2]["summary"] == "The system marked the order as shipped"
    # No read model was ever built: the past is told all the same.
    result = orderlog("audit", "stream", stream)
    assert result.exit_code == 0
    assert "marked the order as shipped" in result.stdout
    assert "orderlog: " in result.stderr
    assert orderlog("audit", "actor", "orderlog").exit_code == 1

"""`orderlog events`."""

import json
import signal
from pathlib import Path

import pytest

from contracts.registry import EVENT_TYPES
from tests.support.cli import CommandLine


@pytest.fixture
def shop(orderlog: CommandLine, sample: Path) -> CommandLine:
    assert orderlog("import", sample).exit_code == 0
    return orderlog


def test_a_stream_is_shown_event_by_event(shop: CommandLine) -> None:
    stream = next(e["stream"] for e in shop.tail() if e["type"] == "OrderShipped")
    events = shop.json("events", "show", stream)
    assert [(e["version"], e["type"]) for e in events] == [
        (0, "OrderCreated"),
        (1, "OrderConfirmed"),
        (2, "OrderShipped"),
    ]
    lines = shop("events", "show", stream).stdout.splitlines()
    assert [line.split()[2:4] for line in lines] == [
        [f"{stream}@{e['version']}", e["type"]] for e in events
    ]
    assert json.loads(lines[0][lines[0].index("{") :]) == events[0]["payload"]


@pytest.mark.usefixtures("begun")
def test_a_stream_that_is_not_there_is_an_error(orderlog: CommandLine) -> None:
    result = orderlog("events", "show", "order-1")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "orderlog: There is no stream order-1.\n"


def test_secret_streams_are_never_shown(shop: CommandLine) -> None:
    assert {e["aggregate_type"] for e in shop.tail()} == {
        "user",
        "product",
        "sku_mapping",
        "order",
        "stock",
    }
    for words in (
        ("events", "show", "email-1"),
        ("events", "show", "nonsense"),
        ("events", "tail", "--category", "credential"),
        ("events", "tail", "--type", "PasswordSet"),
    ):
        result = shop(*words)
        assert (result.exit_code, result.stdout) == (1, "")
        assert "never shown" in result.stderr


def test_tail_takes_types_categories_and_a_position_to_begin_after(shop: CommandLine) -> None:
    everything = shop.tail()
    orders = shop("events", "tail", "--no-follow", "--category", "order", "--json").stdout
    assert [json.loads(line) for line in orders.splitlines()] == [
        e for e in everything if e["aggregate_type"] == "order"
    ]
    shipped = shop("events", "tail", "--no-follow", "--type", "OrderShipped", "--json").stdout
    assert len(shipped.splitlines()) == 4
    middle = everything[10]["position"]
    rest = shop("events", "tail", "--no-follow", "--from", middle, "--json").stdout
    assert [json.loads(line) for line in rest.splitlines()] == everything[11:]
    assert shop("events", "tail", "--no-follow", "--from", "end").stdout == ""


@pytest.mark.parametrize(
    ("option", "value", "code"),
    [("--category", "sale", 2), ("--type", "OrderLost", 2), ("--from", "nowhere", 1)],
)
@pytest.mark.usefixtures("begun")
def test_what_tail_does_not_know_is_said(
    orderlog: CommandLine, option: str, value: str, code: int
) -> None:
    result = orderlog("events", "tail", "--no-follow", option, value)
    assert (result.exit_code, result.stdout) == (code, "")
    assert value in result.stderr


@pytest.mark.parametrize(("told", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_tail_prints_what_another_process_records_until_it_is_told_to_end(
    orderlog: CommandLine, sample: Path, told: signal.Signals, code: int
) -> None:
    with orderlog.start("events", "tail", "--type", "OrderShipped") as tail:
        try:
            assert orderlog("import", sample).exit_code == 0
            lines = [tail.stdout.readline() for _ in range(4)]
            assert all("OrderShipped by system:orderlog" in line for line in lines)
            tail.send_signal(told)
            assert tail.communicate(timeout=20) == ("", "")
            assert tail.returncode == code
        finally:
            tail.kill()


def test_a_reader_that_goes_away_ends_tail_quietly(shop: CommandLine) -> None:
    with shop.start("events", "tail", "--no-follow") as tail:
        tail.stdout.close()
        assert tail.stderr.read() == ""


def test_the_types_are_listed_with_their_schemas(orderlog: CommandLine) -> None:
    types = {it["type"]: it for it in orderlog.json("events", "types")}
    assert types.keys() == EVENT_TYPES.keys()
    added = types["ProductAdded"]
    assert (added["schema_version"], added["category"]) == (2, "product")
    assert (added["published"], added["secret"]) == (True, False)
    assert "price" in json.dumps(added["schema"])
    assert (types["PasswordSet"]["published"], types["PasswordSet"]["secret"]) == (False, True)
    text = orderlog("events", "types").stdout.splitlines()
    assert text[0].split() == ["TYPE", "VERSION", "CATEGORY", "VISIBILITY", "DESCRIPTION"]
    assert len(text) == 1 + len(EVENT_TYPES)
    assert not orderlog.data.exists()

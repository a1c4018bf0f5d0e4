"""`orderlog projections`, `parked`, `token`, `backup` and `restore`; how commands fail."""

import re
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from bootstrap.container import Container
from contracts.parked import ParkedStream
from tests.support.cli import CommandLine

COMMANDS = [
    ("token",),
    ("events", "show"),
    ("events", "tail"),
    ("events", "types"),
    ("projections", "list"),
    ("projections", "pause"),
    ("projections", "resume"),
    ("projections", "rebuild"),
    ("projections", "compare"),
    ("projections", "switch"),
    ("projections", "rollback"),
    ("parked", "list"),
    ("parked", "retry"),
    ("parked", "discard"),
    ("import",),
    ("backup",),
    ("restore",),
]
PARKED = ParkedStream(
    "soft-reservation",
    "order-1",
    3,
    UUID(int=7),
    "LookupError: gone\nfor good",
    datetime(2026, 1, 5, 10, tzinfo=UTC),
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself_with_an_example(
    orderlog: CommandLine, command: tuple[str, ...]
) -> None:
    result = orderlog(*command, "--help")
    assert result.exit_code == 0
    assert re.search(rf"Examples?:\s+.*orderlog {' '.join(command)}", result.stdout, re.DOTALL)


@pytest.mark.parametrize(
    "words",
    [
        ("nonsense",),
        ("token",),
        ("token", "--role", "emperor"),
        ("token", "--role", "operator", "--ttl", "soon"),
        ("events", "show"),
        ("projections", "rebuild"),
        ("projections", "rebuild", "order_details", "--all"),
        ("parked", "discard", "a:b"),
        ("parked", "discard", "a:b", "--reason", " "),
        ("import", "/does/not/exist"),
        ("import", ".", "--currency", "ZZZ"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_2_and_touches_nothing(
    orderlog: CommandLine, words: tuple[str, ...]
) -> None:
    result = orderlog(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert not orderlog.data.exists()


@pytest.mark.usefixtures("begun")
def test_a_token_stands_alone_on_the_last_line_and_works(orderlog: CommandLine) -> None:
    result = orderlog(
        "token", "--role", "operator", "--role", "auditor", "--user", "77aa", "--ttl", "15m"
    )
    assert result.exit_code == 0
    token = result.output.splitlines()[-1]
    assert result.stdout == f"{token}\n"

    async def actor(container: Container) -> object:
        return container.access_tokens.actor(f"Bearer {token}")

    found = orderlog.inside(actor)
    assert (found.kind, found.id, found.roles) == ("user", "77aa", ("operator", "auditor"))


@pytest.mark.usefixtures("begun")
def test_projections_are_listed_paused_and_resumed(orderlog: CommandLine) -> None:
    listed = orderlog.json("projections", "list")
    told = {"name", "generation", "state", "lag_seconds", "parked", "rebuild", "partitions"}
    assert told == set(listed[0])
    assert orderlog("projections", "pause", "customers").exit_code == 0
    states = {it["name"]: it["state"] for it in orderlog.json("projections", "list")}
    assert states["customers"] == "paused"
    assert states["order_details"] != "paused"
    assert orderlog("projections", "resume", "customers").exit_code == 0
    states = {it["name"]: it["state"] for it in orderlog.json("projections", "list")}
    assert states["customers"] != "paused"
    text = orderlog("projections", "list").stdout.splitlines()
    assert text[0].split() == ["NAME", "GENERATION", "STATE", "LAG", "PARKED", "REBUILD"]
    assert len(text) == 1 + len(listed)


@pytest.mark.parametrize("verb", ["pause", "resume", "rebuild", "compare", "switch", "rollback"])
@pytest.mark.usefixtures("begun")
def test_a_projection_that_is_not_there_is_an_error(orderlog: CommandLine, verb: str) -> None:
    result = orderlog("projections", verb, "weather")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "There is no projection weather; there are" in result.stderr
    assert "order_details" in result.stderr


@pytest.mark.usefixtures("begun")
def test_parked_streams_are_listed_retried_and_discarded(orderlog: CommandLine) -> None:
    assert orderlog.json("parked", "list") == []

    async def park(container: Container) -> None:
        await container.subscriptions.park(PARKED)

    orderlog.inside(park)
    (listed,) = orderlog.json("parked", "list")
    assert listed["id"] == PARKED.id
    assert (listed["projection"], listed["stream"], listed["version"]) == (
        "soft-reservation",
        "order-1",
        3,
    )
    assert (listed["error"], listed["request"]) == (PARKED.error, None)
    header, row = orderlog("parked", "list").stdout.splitlines()
    assert row.startswith(PARKED.id)
    assert row.endswith("LookupError: gone for good")
    assert header.index("ERROR") == row.index("LookupError")

    assert orderlog("parked", "retry", PARKED.id).exit_code == 0
    assert orderlog.json("parked", "list")[0]["request"] == "retry"
    assert orderlog("parked", "discard", PARKED.id, "--reason", "a bug").exit_code == 0
    (listed,) = orderlog.json("parked", "list")
    assert (listed["request"], listed["reason"]) == ("discard", "a bug")


@pytest.mark.parametrize("words", [("retry",), ("discard", "--reason", "r")], ids=" ".join)
@pytest.mark.usefixtures("begun")
def test_what_is_not_parked_can_not_be_asked_for(
    orderlog: CommandLine, words: tuple[str, ...]
) -> None:
    result = orderlog("parked", words[0], "orders:order-1", *words[1:])
    assert (result.exit_code, result.stdout) == (1, "")
    assert "Nothing is parked under orders:order-1" in result.stderr


def test_what_was_backed_up_can_be_restored(
    orderlog: CommandLine, sample: Path, tmp_path: Path
) -> None:
    assert orderlog("import", sample).exit_code == 0
    copy = tmp_path / "copy.db"
    assert orderlog("backup", copy).exit_code == 0
    other = CommandLine(tmp_path / "other")
    other.data.mkdir()
    assert other("restore", copy).exit_code == 0
    assert other.tail() == orderlog.tail()


@pytest.mark.usefixtures("begun")
def test_a_copy_that_can_not_be_made_is_one_clear_line(
    orderlog: CommandLine, tmp_path: Path
) -> None:
    taken = tmp_path / "taken"
    taken.write_text("mine")
    orderlog.json("parked", "list")
    for words in (("backup", taken), ("restore", tmp_path / "nowhere")):
        result = orderlog(*words)
        assert (result.exit_code, result.stdout) == (1, "")
        assert len(result.stderr.splitlines()) == 1
    assert taken.read_text() == "mine"


def test_a_store_that_can_not_be_opened_is_one_clear_line(orderlog: CommandLine) -> None:
    orderlog.data.mkdir()
    (orderlog.data / "events.db").write_text("this is no event store, " * 100)
    result = orderlog("events", "tail", "--no-follow")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("orderlog: The event store in ")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "words",
    [
        "token --role operator",
        "events show order-1",
        "events tail --no-follow",
        "audit verify",
        "audit order 1",
        "audit stream order-1 --export {}/out.jsonl",
        "projections list",
        "projections rebuild order_details",
        "parked list",
        "backup {}/backup",
    ],
)
def test_without_a_shop_it_is_said_and_nothing_is_made(
    orderlog: CommandLine, tmp_path: Path, words: str
) -> None:
    result = orderlog(*words.format(tmp_path).split())
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        f"orderlog: There is no shop in {orderlog.data.absolute()}: "
        "set ORDERLOG_DATA, or begin with orderlog serve\n"
    )
    assert list(tmp_path.iterdir()) == []

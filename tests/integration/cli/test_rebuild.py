"""`orderlog projections rebuild`, `compare`, `switch`, `rollback`; the same over HTTP."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bootstrap.background import running
from bootstrap.container import Container
from contracts.errors import Refused
from event_store.port import StreamState
from tests.integration.projections.shop import CREATED
from tests.support.cli import CommandLine
from tests.support.projections import new_event, stored

NEWER = stored("OrderConfirmed", schema_version=2, total="26")


@pytest.fixture
def filled(orderlog: CommandLine, sample: Path) -> CommandLine:
    assert orderlog("import", sample).exit_code == 0
    return orderlog


def states(orderlog: CommandLine) -> dict[str, tuple[int, str, object]]:
    listed = orderlog.json("projections", "list")
    return {one["name"]: (one["generation"], one["state"], one["rebuild"]) for one in listed}


def test_rebuilt_compared_switched_and_rolled_back(filled: CommandLine) -> None:
    outcomes = filled.json("projections", "rebuild", "--all")
    assert {one["projection"] for one in outcomes} == set(states(filled))
    assert all(one["switched"] and one["comparison"] is None for one in outcomes)
    (built,) = filled.json("projections", "rebuild", "order_details", "--no-switch")
    assert (built["switched"], built["generation"], built["events"] > 0) == (False, 2, True)
    assert built["comparison"]["differing"] == 0
    generation, state, rebuild = states(filled)["order_details"]
    assert (generation, state, rebuild["phase"]) == (1, "live", "built")
    assert filled.json("projections", "compare", "order_details")["new"] == 2
    assert filled.json("projections", "switch", "order_details")["switched"]
    assert states(filled)["order_details"] == (2, "live", None)
    assert filled.json("projections", "rollback", "order_details")["generation"] == 1
    assert states(filled)["order_details"] == (1, "live", None)
    assert filled("projections", "switch", "order_details").exit_code == 1


def test_more_processes_than_the_read_store_takes_are_not_started(filled: CommandLine) -> None:
    (one,) = filled.json("projections", "rebuild", "order_details")
    (built,) = filled.json("projections", "rebuild", "order_details", "--processes", "3")
    assert (built["switched"], built["events"]) == (True, one["events"])
    assert built["comparison"]["differing"] == 0
    assert filled("projections", "rebuild", "order_details", "--processes", "0").exit_code == 2


def test_progress_and_outcome_are_told_in_plain_lines(filled: CommandLine) -> None:
    filled.json("projections", "rebuild", "customers", "order_details")
    told = filled("projections", "rebuild", "order_details")
    assert told.exit_code == 0
    assert "order_details: replaying, " in told.stderr
    assert "/s, 0 s left" in told.stderr
    assert "documents at equal versions, none differs." in told.stdout
    assert "order_details: generation 2 answers queries now." in told.stdout


def test_parked_event_keeps_it_from_being_switched_to(filled: CommandLine) -> None:
    filled.json("projections", "rebuild", "order_details")

    async def add(container: Container) -> None:
        new = [new_event("order-bad", 0, CREATED), new_event("order-bad", 1, NEWER)]
        await container.events.append("order-bad", new, expected=StreamState.NO_STREAM)

    filled.inside(add)
    told = filled("projections", "rebuild", "order_details")
    assert told.exit_code == 1
    assert "order_details:order-bad at version 1: NewerSchemaVersion" in told.stderr
    assert states(filled)["order_details"][0] == 1
    parked = filled("parked", "discard", "order_details:order-bad", "--reason", "a test")
    assert parked.exit_code == 0
    assert filled("projections", "switch", "order_details").exit_code == 0
    assert states(filled)["order_details"][0] == 2


def test_rebuild_asked_of_a_server_runs_in_a_process_of_its_own(filled: CommandLine) -> None:
    async def ask(container: Container) -> None:
        async with running(container) as background, asyncio.timeout(30):
            await background.projections.ready()
            before = await container.projections.states()
            await container.projections.start_rebuild("order_details")
            seen: list[str] = []
            while (state := await order_details(container)).rebuild is not None:
                seen.append(state.rebuild.phase)
                await container.documents.wait_for_write("order_details", 0.05)
            assert seen[0] == "starting"
            assert state.generation == 2
            assert [one.generation for one in before] == [1] * len(before)

    filled.inside(ask)


def test_rebuild_that_fails_in_a_server_says_why(filled: CommandLine) -> None:
    async def ask(container: Container) -> None:
        async with asyncio.timeout(30):
            async with container.documents.rebuilding("order_details"):
                await container.projections.start_rebuild("order_details")
                while (state := await order_details(container)).rebuild.phase != "failed":
                    await container.documents.wait_for_write("order_details", 0.05)
            when, _, why = state.rebuild.error.partition(" UTC: ")
            assert datetime.fromisoformat(f"{when}+00:00") <= datetime.now(UTC)
            assert "is being rebuilt or switched by another process" in why

    filled.inside(ask)


def test_rebuild_that_failed_is_forgotten_once_another_one_has_succeeded(
    filled: CommandLine,
) -> None:
    filled.json("projections", "rebuild", "order_details")

    async def ask(container: Container) -> None:
        async with asyncio.timeout(60):
            async with container.documents.rebuilding("order_details"):
                await container.projections.start_rebuild("order_details")
                while (await order_details(container)).rebuild.phase != "failed":
                    await container.documents.wait_for_write("order_details", 0.05)
            # Somebody rebuilds it on the command line.
            done = await container.projections.rebuild(
                "order_details", switch=True, report=lambda progress: None
            )
            assert done.switched
            assert (await order_details(container)).rebuild is None

    filled.inside(ask)


def test_four_who_ask_at_once_get_one_rebuild_that_succeeds(filled: CommandLine) -> None:
    filled.json("projections", "rebuild", "order_details")

    async def ask(container: Container) -> None:
        async with running(container) as background, asyncio.timeout(60):
            await background.projections.ready()
            start = container.projections.start_rebuild
            answers = await asyncio.gather(
                *(start("order_details") for _ in range(4)), return_exceptions=True
            )
            refused = [one.code for one in answers if isinstance(one, Refused)]
            assert (answers.count(None), refused) == (1, ["rebuild-under-way"] * 3)
            while (state := await order_details(container)).rebuild is not None:
                assert state.rebuild.phase != "failed", state.rebuild.error
                await container.documents.wait_for_write("order_details", 0.05)
            assert state.generation == 2
            await start("order_details")  # As soon as it has switched.
            while (state := await order_details(container)).rebuild is not None:
                await container.documents.wait_for_write("order_details", 0.05)
            assert state.generation == 3

    filled.inside(ask)


def test_rebuild_begins_as_starting_also_where_an_earlier_one_was_built(
    filled: CommandLine,
) -> None:
    filled.json("projections", "rebuild", "order_details")
    filled.json("projections", "rebuild", "order_details", "--no-switch")

    async def ask(container: Container) -> None:
        async with running(container) as background, asyncio.timeout(60):
            await background.projections.ready()
            assert (await order_details(container)).rebuild.phase == "built"
            await container.projections.start_rebuild("order_details")
            seen: list[tuple[str, int | None]] = []
            while (state := await order_details(container)).rebuild is not None:
                seen.append((state.rebuild.phase, state.rebuild.generation))
                await container.documents.wait_for_write("order_details", 0.05)
            assert seen[0] == ("starting", None)
            assert {number for _, number in seen} <= {None, 3}
            assert state.generation == 3

    filled.inside(ask)


def test_rebuild_with_a_parked_event_says_over_http_which(filled: CommandLine) -> None:
    filled.json("projections", "rebuild", "order_details")

    async def ask(container: Container) -> None:
        new = [new_event("order-bad", 0, CREATED), new_event("order-bad", 1, NEWER)]
        await container.events.append("order-bad", new, expected=StreamState.NO_STREAM)
        async with running(container) as background, asyncio.timeout(60):
            await background.projections.ready()
            await container.projections.start_rebuild("order_details")
            while (state := await order_details(container)).rebuild.phase != "built":
                await container.documents.wait_for_write("order_details", 0.05)
            assert "order_details:order-bad at version 1: NewerSchema" in state.rebuild.error
            assert await container.projections.discard("order_details:order-bad", "a test")
            while (state := await order_details(container)).rebuild.error is not None:
                await container.documents.wait_for_write("order_details", 0.05)
            assert (state.generation, state.rebuild.phase) == (1, "built")

    filled.inside(ask)


def test_what_is_paused_is_neither_rebuilt_nor_switched_and_says_so_at_once(
    filled: CommandLine,
) -> None:
    filled.json("projections", "rebuild", "order_details")
    filled.json("projections", "rebuild", "order_details")
    filled.json("projections", "rebuild", "order_details", "--no-switch")
    assert filled("projections", "pause", "order_details").exit_code == 0
    for command in ("rebuild", "switch", "rollback"):
        told = filled("projections", command, "order_details")
        assert told.exit_code == 1, command
        assert "order_details is paused; resume it first." in told.stderr

    async def ask(container: Container) -> None:
        with pytest.raises(Refused) as refused:
            await container.projections.start_rebuild("order_details")
        assert refused.value.code == "paused"

    filled.inside(ask)


def test_all_are_rebuilt_though_one_of_them_can_not_be(filled: CommandLine) -> None:
    assert filled("projections", "pause", "customers").exit_code == 0
    told = filled("projections", "rebuild", "--all")
    assert told.exit_code == 1
    assert "orderlog: customers was not rebuilt: customers is paused" in told.stderr
    as_json = filled("projections", "rebuild", "--all", "--json")
    assert as_json.exit_code == 1
    outcomes = {one["projection"]: one for one in json.loads(as_json.stdout)}
    assert set(outcomes) == set(states(filled))
    paused = outcomes.pop("customers")
    assert (paused["switched"], paused["generation"]) == (False, None)
    assert paused["error"] == "customers is paused; resume it first."
    assert all(one["switched"] and one["error"] is None for one in outcomes.values())


async def order_details(container: Container):
    states = {one.name: one for one in await container.projections.states()}
    return states["order_details"]

"""`orderlog projections rebuild`, `compare`, `switch`, `rollback`; the same over HTTP."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bootstrap.background import running
from bootstrap.container import Container
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
            assert "is being rebuilt or switched by another process" in state.rebuild.error

    filled.inside(ask)


async def order_details(container: Container):
    states = {one.name: one for one in await container.projections.states()}
    return states["order_details"]

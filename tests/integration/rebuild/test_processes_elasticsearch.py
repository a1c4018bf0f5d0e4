"""Rebuilds that several processes replay into Elasticsearch, as the command line has them do it."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from bootstrap.container import open_container
from bootstrap.settings import Settings
from contracts.events.sales import OrderConfirmed
from event_store.port import StreamState
from projections.shown import ALL_EVENTS
from read_side.port import Search
from tests.integration.projections.shop import ADDED, CONFIRMED, CREATED
from tests.support.elasticsearch import new_prefix, remove_all
from tests.support.projections import new_event, stored

NAME = "order_details"
NEWER = stored(OrderConfirmed.__name__, schema_version=2, total="26")


@pytest.fixture
async def settings(tmp_path, elasticsearch):
    prefix = new_prefix()
    url = SecretStr(elasticsearch)
    yield Settings(data=tmp_path, read_store=url, index_prefix=prefix)
    await remove_all(elasticsearch, prefix)


async def append(container, stream, *what):
    new = [new_event(stream, version, one) for version, one in enumerate(what)]
    await container.events.append(stream, new, expected=StreamState.NO_STREAM)


async def rebuilt(container, name, processes):
    return await container.projections.rebuild(
        name, switch=True, report=lambda progress: None, processes=processes
    )


async def active(container, name):
    (one,) = [it for it in await container.documents.generations(name) if it.state == "active"]
    return one


async def test_processes_when_they_replay_then_documents_are_as_one_makes_them(settings):
    async with open_container(settings) as container:
        for number in range(40):
            await append(container, f"order-{number}", CREATED, ADDED, CONFIRMED)
        head = await container.events.head()
        alone = await rebuilt(container, NAME, 1)
        whole = await container.documents.scan(await active(container, NAME))
        for processes in (2, 3):
            outcome = await rebuilt(container, NAME, processes)
            assert (outcome.switched, outcome.events) == (True, alone.events)
            compared = outcome.comparison
            assert (compared.compared, compared.differing) == (len(whole), 0)
            now = await active(container, NAME)
            assert await container.documents.scan(now) == whole
            checkpoints = await container.documents.checkpoints(now)
            assert (list(checkpoints), checkpoints[ALL_EVENTS].position) == ([ALL_EVENTS], head)
        found = await container.documents.search(NAME, Search(limit=100))
        assert len(found.documents) == 40


async def test_poison_when_processes_come_by_some_then_all_of_it_is_parked(settings):
    async with open_container(settings) as container:
        for number in range(4):
            await append(container, f"order-{number}", CREATED, NEWER)
        outcome = await rebuilt(container, NAME, 3)
        assert not outcome.switched
        assert sorted(it.stream for it in outcome.parked) == [f"order-{n}" for n in range(4)]

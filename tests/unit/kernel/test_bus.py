from __future__ import annotations

import asyncio

import pytest

import write_side.kernel.bus as bus
from contracts.commands.base import Command
from contracts.commands.inventory import IssueStock
from contracts.commands.sales import ConfirmOrder
from contracts.errors import Damaged, DomainError, Refused, Unavailable
from event_store.codec import MalformedEvent, NewerSchemaVersion
from event_store.errors import (
    AppendOutcomeUnknown,
    BatchTooLarge,
    EventStoreCorrupt,
    EventStoreFull,
    EventStoreReadOnly,
    EventStoreUnavailable,
)
from tests.support.commands import asked, uid
from write_side.kernel.bus import CommandBus
from write_side.kernel.context import Answer, CommandContext

COMMAND = ConfirmOrder(order_id=uid(1))
ANSWER = Answer(uid(1), "order-1", 0)


def failing(error: Exception) -> CommandBus:
    async def handler(command: Command, context: CommandContext) -> Answer:
        raise error

    return CommandBus({ConfirmOrder: handler})


async def test_a_command_goes_to_the_handler_of_its_type():
    taken: list[tuple[Command, CommandContext]] = []

    async def handler(command: Command, context: CommandContext) -> Answer:
        taken.append((command, context))
        return ANSWER

    async def other(command: Command, context: CommandContext) -> Answer:
        raise AssertionError

    context = asked()
    commands = CommandBus({ConfirmOrder: handler, IssueStock: other})
    assert await commands.handle(COMMAND, context) is ANSWER
    assert taken == [(COMMAND, context)]


@pytest.mark.parametrize(
    ("error", "answer", "code"),
    [
        (BatchTooLarge("big"), Refused, "too-much-at-once"),
        (AppendOutcomeUnknown("lost"), Unavailable, "unavailable"),
        (EventStoreUnavailable("away"), Unavailable, "unavailable"),
        (EventStoreFull("full"), Unavailable, "unavailable"),
        (EventStoreReadOnly("read only"), Unavailable, "unavailable"),
        (EventStoreCorrupt("damaged"), Unavailable, "unavailable"),
        (NewerSchemaVersion("of the future"), Unavailable, "unavailable"),
        (MalformedEvent("no JSON"), Damaged, "events-damaged"),
    ],
)
async def test_troubles_of_the_store_become_answers(
    error: Exception, answer: type[DomainError], code: str
):
    with pytest.raises(answer) as raised:
        await failing(error).handle(COMMAND, asked())
    assert raised.value.code == code
    assert raised.value.__cause__ is error


async def test_only_an_unknown_outcome_is_called_unknown():
    with pytest.raises(Unavailable, match="not known"):
        await failing(AppendOutcomeUnknown("lost")).handle(COMMAND, asked())
    with pytest.raises(Unavailable, match="can't do it now: away"):
        await failing(EventStoreUnavailable("away")).handle(COMMAND, asked())


async def test_a_caller_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bus, "PATIENCE_SECONDS", 0.01)

    async def stuck(command: Command, context: CommandContext) -> Answer:
        return await asyncio.get_running_loop().create_future()

    with pytest.raises(Unavailable, match="too long; whether it was done is not known"):
        await CommandBus({ConfirmOrder: stuck}).handle(COMMAND, asked())


async def test_a_refusal_passes_as_it_is():
    refusal = Refused("no", code="order-empty")
    with pytest.raises(Refused) as raised:
        await failing(refusal).handle(COMMAND, asked())
    assert raised.value is refusal

"""What runs beside the requests: projections and policies, in one process of a data folder."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import structlog

from bootstrap.command_side import CommandSide, Policy
from bootstrap.container import Container
from contracts.errors import Unavailable
from event_store.subscriptions import SubscriptionRunner
from projections.catalogue import PROJECTORS
from projections.embedded import EmbeddedRunner

NOT_OF_THE_EVENT = (Unavailable,)
"""Errors of a policy that pass by themselves: nothing is parked for them."""
_log = structlog.get_logger(__name__)


class Background:
    """The projections and policies of a container, while they run."""

    def __init__(self, container: Container) -> None:
        """Prepare them."""
        self.projections = EmbeddedRunner(
            container.events, container.documents, PROJECTORS.values()
        )
        self.policies = [following(policy, container) for policy in container.policies]


def following(policy: Policy, side: CommandSide) -> SubscriptionRunner:
    """What runs a policy where it follows the event store itself."""
    return SubscriptionRunner(
        policy.NAME,
        policy.handle,
        side.events,
        side.subscriptions,
        categories=policy.CATEGORIES,
        retry_on=NOT_OF_THE_EVENT,
    )


@asynccontextmanager
async def running(container: Container) -> AsyncGenerator[Background]:
    """Run projections and policies for as long as this lasts; own the data folder meanwhile."""
    background = Background(container)
    await background.projections.start()
    tasks = [asyncio.create_task(policy.run()) for policy in background.policies]
    try:
        yield background
    finally:
        for task in tasks:
            task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, Exception):
                _log.error("a policy ended with an error", error=repr(result))
        await background.projections.stop()

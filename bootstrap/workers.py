"""The services that no caller sees: relay, projector and process manager."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from api.cli.application import CannotOpen
from api.http.health import Check, NotReady
from bootstrap.background import NOT_OF_THE_EVENT, following
from bootstrap.command_side import CommandSide
from bootstrap.event_stores import open_event_store
from bootstrap.front import Front
from bootstrap.kafka import group_of, number_of, servers_of, topics_of
from bootstrap.read_stores import open_read_store
from bootstrap.serve import settle_down
from bootstrap.services import opened_commands
from bootstrap.settings import Settings
from bootstrap.waiting import EVENT_STORE, KAFKA, READ_STORE, answering, reached
from event_store.kafka.topics import Topics
from event_store.partitioned_policies import PartitionedPolicy
from event_store.policy_group import ElectedRunner, PolicyGroup
from event_store.port import WholeEventStore
from projections.catalogue import PROJECTORS
from projections.partitioned import PartitionedRunner
from read_side.port import ReadStoreError
from read_side.rebuild_port import WholeReadStore

if TYPE_CHECKING:
    from event_store.kafka.faust_feed import FaustFeed
    from event_store.kafka.relay import Relay
    from event_store.partitions import PartitionHandler

_UNREACHED = "not reached: nothing new is seen"


async def relay(settings: Settings, front: Front) -> None:
    """Publish events to Kafka, or stand by for the relay that does, until cancelled."""
    try:
        from event_store.kafka.relay import Relay
    except ImportError as error:
        raise without_clients() from error
    events = await reached(EVENT_STORE, lambda: open_event_store(settings), front)
    try:
        it = Relay(events, servers_of(settings), topics_of(settings))
        front.open({"relay": _state_of(it), "event_store": answering(events, _UNREACHED)})
        settle_down()
        await it.run()
    finally:
        await events.close()


async def projector(settings: Settings, front: Front) -> None:
    """Keep the read models up to date in this process's share of the events, until cancelled."""
    async with AsyncExitStack() as stack:
        topics = await _prepared_topics(settings, front)
        projecting = await stack.enter_async_context(opened_projecting(settings, front))
        feed = _feed(settings, "projector", topics, projecting.runner)
        front.open({"kafka": _feeding(feed), **projecting.readiness})
        settle_down()
        await _run(feed)


async def process_manager(settings: Settings, front: Front) -> None:
    """Run the policies in this process's share of the events, until cancelled."""
    async with AsyncExitStack() as stack:
        topics = await _prepared_topics(settings, front)
        commands = await opened_commands(settings, front, stack)
        group = _policies(commands)
        await group.start()
        stack.push_async_callback(group.stop)
        feed = _feed(settings, "process-manager", topics, group)
        front.open(
            {
                "kafka": _feeding(feed),
                "event_store": answering(commands.events, _UNREACHED),
                "policies": _policing(group),
            }
        )
        settle_down()
        await _run(feed)


def _policies(commands: CommandSide) -> PolicyGroup:
    """The soft reservation by partitions; e-mail claims, whose streams are secret, in one place."""
    reservation, claims = commands.reservation, commands.claims
    partitioned = PartitionedPolicy(
        reservation.NAME,
        reservation.handle,
        commands.events,
        commands.subscriptions,
        number_of,
        categories=reservation.CATEGORIES,
        retry_on=NOT_OF_THE_EVENT,
    )
    elected = ElectedRunner(
        claims.NAME,
        lambda: following(claims, commands).run(),
        reservation.CATEGORIES[0],
        lambda: partitioned.caught_up,
    )
    return PolicyGroup([partitioned], [elected])


@dataclass(frozen=True, slots=True)
class Projecting:
    """The projections of one process, at work on its stores."""

    runner: PartitionedRunner
    readiness: Mapping[str, Check]


@asynccontextmanager
async def opened_projecting(
    settings: Settings, front: Front | None = None
) -> AsyncGenerator[Projecting]:
    """Open the stores, waiting for them, and begin; stop and close at the end."""
    async with AsyncExitStack() as stack:
        events = await reached(EVENT_STORE, lambda: open_event_store(settings), front)
        stack.push_async_callback(events.close)
        documents = await reached(READ_STORE, lambda: open_read_store(settings), front)
        stack.push_async_callback(documents.close)
        runner = PartitionedRunner(events, documents, PROJECTORS.values(), number_of)
        await runner.start()
        stack.push_async_callback(runner.stop)
        yield Projecting(runner, _readiness(runner, events, documents))


def without_clients() -> CannotOpen:
    """What is said where the clients of Kafka are not installed."""
    return CannotOpen("Kafka needs its clients: pip install '.[services]' in the clone")


async def _prepared_topics(settings: Settings, front: Front) -> Topics:
    try:
        from event_store.kafka.admin import prepare
    except ImportError as error:
        raise without_clients() from error
    wanted = topics_of(settings)
    return await reached(KAFKA, lambda: prepare(servers_of(settings), wanted), front)


def _feed(settings: Settings, name: str, topics: Topics, handler: PartitionHandler) -> FaustFeed:
    from event_store.kafka.faust_feed import FaustFeed
    from event_store.kafka.feed_settings import FeedSettings

    feed = FeedSettings(servers_of(settings), topics, group_of(settings, name))
    return FaustFeed(feed, handler)


async def _run(feed: FaustFeed) -> None:
    from event_store.kafka.faust_feed import FeedFailed

    try:
        await feed.run()
    except FeedFailed as error:
        raise CannotOpen(str(error)) from error


def _state_of(it: Relay) -> Check:
    async def state() -> str:
        if it.error is not None:
            raise NotReady(it.error)
        if it.active:
            return "ok"
        if it.stands_by:
            return "ok: stands by for the relay that publishes"
        raise NotReady("it starts")

    return state


def _feeding(feed: FaustFeed) -> Check:
    async def feeding() -> str:
        if not feed.is_running:
            raise NotReady(feed.problem or "it starts")
        return f"ok: {len(feed.partitions)} partitions are owned"

    return feeding


def _policing(group: PolicyGroup) -> Check:
    async def policing() -> str:
        if not group.caught_up:
            raise NotReady("they catch up with what was recorded before")
        return f"ok: {', '.join(group.elected)} runs here" if group.elected else "ok"

    return policing


def _readiness(
    runner: PartitionedRunner, events: WholeEventStore, documents: WholeReadStore
) -> Mapping[str, Check]:
    async def read_store() -> str:
        try:
            await documents.generations(next(iter(PROJECTORS)))
        except ReadStoreError as error:
            raise NotReady("Elasticsearch does not answer") from error
        refused = getattr(documents, "bulk_rejections", 0)
        return f"ok: {refused} writes were refused and tried again" if refused else "ok"

    async def projections() -> None:
        if not runner.caught_up:
            raise NotReady("they catch up with what was recorded before")

    return {
        "event_store": answering(events, _UNREACHED),
        "read_store": read_store,
        "projections": projections,
    }

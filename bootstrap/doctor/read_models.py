"""The read store, and each projection in it."""

from __future__ import annotations

from collections.abc import Sequence

from api.cli.application import CannotOpen
from api.cli.doctor import Finding
from bootstrap.doctor.lags import lagging
from bootstrap.operations import Operations
from bootstrap.read_stores import open_read_store
from bootstrap.settings import Settings
from event_store.errors import EventStoreError
from event_store.partitions import Mark, Partition
from event_store.port import WholeEventStore
from projections.catalogue import PROJECTORS
from read_side.freshness import ProjectionState
from read_side.port import ReadStoreError
from read_side.rebuild_port import WholeReadStore

_UNREACHED = "Start it, or correct ORDERLOG_READ_STORE. Nothing is lost meanwhile."


async def check_read_models(
    settings: Settings, events: WholeEventStore | None, mark: Mark | None
) -> Sequence[Finding]:
    """What is found of the store, and of each projection where the event store is there too."""
    try:
        findings = await _check_store(settings)
        documents = await open_read_store(settings)
    except (CannotOpen, ReadStoreError) as error:
        return [Finding("read store", "failed", str(error), _UNREACHED)]
    try:
        if events is not None:
            findings += await _check_projections(settings, events, documents, mark)
    except (EventStoreError, ReadStoreError) as error:
        findings.append(Finding("projections", "failed", str(error), "Ask again."))
    finally:
        await documents.close()
    return findings


async def _check_store(settings: Settings) -> list[Finding]:
    if settings.read_store is None:
        return [Finding("read store", "ok", f"files in {settings.data / 'read-models'}")]
    # Not part of every installation; `open_read_store` says so.
    try:
        from read_side.elasticsearch.cluster import look_at
    except ImportError:
        return []
    cluster = await look_at(settings.read_store.get_secret_value())
    found = f"Elasticsearch is {cluster.status}, nodes: {cluster.nodes}"
    advice = "See GET /_cluster/allocation/explain." if cluster.status == "red" else None
    findings = [Finding("read store", "failed" if advice else "ok", found, advice)]
    if cluster.rejected:
        rejected = f"{cluster.rejected} writes were refused since its nodes started: too many"
        advice = "They were tried again. If it goes on: fewer projectors, or more nodes."
        return [*findings, Finding("bulk rejections", "warning", rejected, advice)]
    return [*findings, Finding("bulk rejections", "ok", "none")]


async def _check_projections(
    settings: Settings, events: WholeEventStore, documents: WholeReadStore, mark: Mark | None
) -> Sequence[Finding]:
    operations = Operations(settings, events, documents, PROJECTORS)
    owner = "orderlog serve" if settings.kafka is None else "orderlog serve projector"
    findings: list[Finding] = []
    for state in await operations.states():
        findings += _check_projection(state, owner)
        if settings.kafka is not None:
            findings.append(_check_partitions(state, mark))
    parked = await operations.parked()
    if parked:
        found = f"{len(parked)} streams wait for somebody, the first since {parked[0].parked_at}"
        advice = "orderlog parked list, then retry or discard"
        return [*findings, Finding("parked", "warning", found, advice)]
    return [*findings, Finding("parked", "ok", "nothing")]


def _check_projection(state: ProjectionState, owner: str) -> Sequence[Finding]:
    check, start = f"projection {state.name}", f"Is {owner} running? See its log."
    if state.generation is None:
        return [Finding(check, "failed", "it was never built", f"Start {owner}: it is built then.")]
    if state.state == "paused":
        advice = f"orderlog projections resume {state.name}"
        return [Finding(check, "warning", "it is paused, its answers grow old", advice)]
    if state.state != "live":
        found = "it was made by other code, or from another event store, and stands still"
        return [Finding(check, "warning", found, f"Start {owner}: a new generation is built then.")]
    if not state.lag_seconds:
        return [Finding(check, "ok", f"generation {state.generation} shows all events")]
    return [lagging(check, state.lag_seconds, "is not shown", start)]


def _check_partitions(state: ProjectionState, mark: Mark | None) -> Finding:
    check = f"partitions of {state.name}"
    if not state.partitions:
        advice = "Start a projector: orderlog serve projector"
        return Finding(check, "warning", "no projector has come to any yet", advice)
    behind: Sequence[str] = () if mark is None else _behind(state, mark)
    if behind:
        advice = "If it stays so: is orderlog serve projector running? See its log."
        return Finding(check, "warning", f"behind the relay: {', '.join(behind)}", advice)
    return Finding(check, "ok", f"all {len(state.partitions)} have come as far as the relay")


def _behind(state: ProjectionState, mark: Mark) -> Sequence[str]:
    """The partitions that lack an event which the relay has published."""
    categories = PROJECTORS[state.name].categories
    return [
        f"{partition} at {state.partitions.get(str(partition), 'no position')}"
        for partition, last in sorted(mark.last.items())
        if partition.category in categories and _lacks(state, partition, last)
    ]


def _lacks(state: ProjectionState, partition: Partition, last: str) -> bool:
    return state.partitions.get(str(partition), "") < last

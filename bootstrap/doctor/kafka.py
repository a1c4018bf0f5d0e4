"""Kafka, its topics, and how far the relay has come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from api.cli.doctor import Finding
from bootstrap.doctor.lags import lagging
from bootstrap.kafka import servers_of, topics_of
from bootstrap.settings import Settings
from bootstrap.workers import without_clients
from contracts.registry import PUBLISHED
from event_store.errors import EventStoreError
from event_store.kafka.errors import KafkaUnavailable
from event_store.partitions import Mark
from event_store.port import EventStore

if TYPE_CHECKING:
    from event_store.kafka.marks import WrittenMark
    from event_store.kafka.topics import Topics

_SILENT_SECONDS = 15.0
"""A relay writes a mark every few seconds, whatever it has to publish."""
_START_RELAY = "Start a relay: orderlog serve relay. If one runs, see its log and /health/ready."


async def check_kafka(
    settings: Settings, events: EventStore | None
) -> tuple[Sequence[Finding], Mark | None]:
    """What is found, and the relay's last mark."""
    try:
        from event_store.kafka.admin import found
        from event_store.kafka.marks import last_mark
    except ImportError:
        return [Finding("kafka", "failed", str(without_clients()), "Install them.")], None
    servers, topics = servers_of(settings), topics_of(settings)
    try:
        counts = await found(servers, topics)
        findings = [Finding("kafka", "ok", f"answers at {servers}"), *_topics(topics, counts)]
        written = await last_mark(servers, topics) if topics.marks in counts else None
    except KafkaUnavailable as error:
        advice = "Start Kafka, or correct ORDERLOG_KAFKA. Nothing is lost meanwhile."
        return [Finding("kafka", "failed", f"{servers}: {error}", advice)], None
    if written is None:
        findings.append(Finding("relay", "failed", "none has ever published", _START_RELAY))
        return findings, None
    findings.append(_sign_of_life(written))
    if events is not None:
        findings.append(await _relay_lag(events, written.mark))
    return findings, written.mark


def _topics(topics: Topics, counts: Mapping[str, int]) -> Sequence[Finding]:
    missing = [name for name in (*topics.of_events, topics.marks) if name not in counts]
    if missing:
        advice = "A relay or a projector makes them when it starts."
        return [Finding("topics", "failed", f"missing: {', '.join(missing)}", advice)]
    others = [
        f"{name} has {counts[name]}"
        for name in topics.of_events
        if counts[name] != topics.partitions
    ]
    if others:
        found = f"ORDERLOG_TOPIC_PARTITIONS is {topics.partitions}, but {', '.join(others)}"
        advice = "What Kafka has counts. Set it so, or add partitions with kafka-topics."
        return [Finding("topics", "warning", found, advice)]
    number, each = len(topics.of_events), topics.partitions
    return [Finding("topics", "ok", f"{number} topics of {each} partitions, and the marks")]


def _sign_of_life(written: WrittenMark) -> Finding:
    age = (datetime.now(UTC) - written.written_at).total_seconds()
    found = f"its last mark is {age:.1f} s old, at position {written.mark.position}"
    if age > _SILENT_SECONDS:
        return Finding("relay", "failed", found, _START_RELAY)
    return Finding("relay", "ok", found)


async def _relay_lag(events: EventStore, mark: Mark) -> Finding:
    try:
        if mark.store != await events.identity():
            return Finding(
                "relay lag",
                "failed",
                "its marks are of another event store than the settings name",
                "Give relay and services the same settings; a relay begins anew by itself.",
            )
        page = await events.read_all(after=mark.position, categories=PUBLISHED, limit=1)
    except EventStoreError as error:
        return Finding("relay lag", "failed", str(error), "A relay begins anew by itself.")
    if not page.events:
        return Finding("relay lag", "ok", "all events are published")
    oldest = (datetime.now(UTC) - page.events[0].recorded_at).total_seconds()
    return lagging("relay lag", oldest, "is not published", _START_RELAY)

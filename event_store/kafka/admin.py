"""Makes the topics that are missing, and finds how those are split that are there."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import structlog
from confluent_kafka import KafkaError as ClientError
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.cimpl import NewTopic

from contracts.registry import PUBLISHED
from event_store.kafka.errors import KafkaUnavailable
from event_store.kafka.topics import Topics

MAX_MESSAGE_BYTES = 3 * 1024 * 1024
"""Of a record: an append of 1 MiB fits even if it is no JSON and travels as Base64."""
_silent = logging.getLogger(f"{__name__}.client")
_silent.addHandler(logging.NullHandler())
_silent.propagate = False
QUIET: Mapping[str, Any] = {"log_level": 0, "error_cb": bool, "logger": _silent}
"""For the client library: what goes wrong is raised to us, its own lines would only repeat it."""

_TIMEOUT = 5.0
_POLL = 0.05
_HOUR = 3600 * 1000
_NO_LIMIT = 2**63 - 1
_SAFE_REPLICATION = 3
_log = structlog.get_logger(__name__)


async def prepare(servers: str, topics: Topics) -> Topics:
    """Make the topics that are missing, and return `topics` with the `counts` that Kafka has.

    Every process does this before it reads or writes them: a broker that makes topics by itself
    when they are asked for would make them otherwise. Topics that are there are left as they are;
    where they differ from what is wanted, a warning says so.

    Raises:
        KafkaUnavailable: also when there are fewer brokers than the replication asks for.
    """
    return await asyncio.to_thread(_prepare, servers, topics)


async def found(servers: str, topics: Topics) -> Mapping[str, int]:
    """How many partitions those of the topics have that are there. Nothing is made.

    Raises:
        KafkaUnavailable: nobody answers.
    """
    return await asyncio.to_thread(_found, servers, topics)


def _found(servers: str, topics: Topics) -> Mapping[str, int]:
    try:
        counts = _counts(AdminClient({"bootstrap.servers": servers, **QUIET}))
    except KafkaException as error:
        raise unavailable(error) from error
    return {name: counts[name] for name in (*topics.of_events, topics.marks) if name in counts}


def _prepare(servers: str, topics: Topics) -> Topics:
    # What it is typed to return is but half known.
    client: Any = AdminClient({"bootstrap.servers": servers, **QUIET})
    wanted = _wanted(topics)
    try:
        missing = [name for name in wanted if name not in _counts(client)]
        if missing:
            _make(client, [wanted[name] for name in missing])
        counts = _all_counts(client, wanted)
        there = [topic for name, topic in wanted.items() if name not in missing]
        if there:
            _compare(client, there, counts)
    except KafkaException as error:
        raise unavailable(error) from error
    return replace(topics, counts=counts_by_category(topics, counts))


def counts_by_category(topics: Topics, counts: Mapping[str, int]) -> Mapping[str, int]:
    """How many partitions each category has, from those of its topic."""
    return {category: counts[topics.topic_of(category)] for category in PUBLISHED}


def unavailable(error: KafkaException) -> KafkaUnavailable:
    """The same error in our words."""
    reason = error.args[0]
    return KafkaUnavailable(reason.str() if isinstance(reason, ClientError) else str(reason))


def _wanted(topics: Topics) -> dict[str, NewTopic]:
    common: dict[str, str] = {}
    if topics.replication >= _SAFE_REPLICATION:
        common["min.insync.replicas"] = "2"
    retention = round(topics.retention_hours * _HOUR) or -1
    of_events = {
        **common,
        "cleanup.policy": "delete",
        "retention.ms": str(retention),
        "compression.type": "uncompressed" if topics.compression == "none" else topics.compression,
        "max.message.bytes": str(MAX_MESSAGE_BYTES),
        # Records carry the time of the event store, whatever its clock says.
        "message.timestamp.after.max.ms": str(_NO_LIMIT),
    }
    # Only the last one counts, and many are written: small segments are cleaned soon.
    # Alone in its batch, one gains little by compression.
    of_marks = {
        **common,
        "cleanup.policy": "compact",
        "segment.bytes": str(16 * 1024 * 1024),
        "compression.type": "uncompressed",
    }
    made = [
        NewTopic(name, topics.partitions, topics.replication, config=of_events)
        for name in topics.of_events
    ]
    made.append(NewTopic(topics.marks, 1, topics.replication, config=of_marks))
    return {topic.topic: topic for topic in made}


def _counts(client: Any) -> dict[str, int]:
    """How many partitions each topic has; one that is being made or deleted is left out."""
    found = client.list_topics(timeout=_TIMEOUT).topics
    return {
        name: len(topic.partitions)
        for name, topic in found.items()
        if topic.error is None and topic.partitions
    }


def _all_counts(client: Any, wanted: Iterable[str]) -> dict[str, int]:
    """The same, once all that were just made are known to the broker that is asked."""
    deadline = time.monotonic() + _TIMEOUT
    while absent := set(wanted) - (counts := _counts(client)).keys():
        if time.monotonic() > deadline:
            raise KafkaUnavailable(f"topics are still being made: {', '.join(sorted(absent))}")
        time.sleep(_POLL)
    return counts


def _make(client: Any, missing: list[NewTopic]) -> None:
    made: dict[str, Future[None]] = client.create_topics(
        missing, operation_timeout=_TIMEOUT, request_timeout=2 * _TIMEOUT
    )
    for name, outcome in made.items():
        try:
            outcome.result()
        except KafkaException as error:
            if error.args[0].code() != ClientError.TOPIC_ALREADY_EXISTS:
                raise KafkaUnavailable(f"topic {name}: {error.args[0].str()}") from error
        else:
            _log.info("a topic is made", topic=name)


def _compare(client: Any, there: list[NewTopic], counts: Mapping[str, int]) -> None:
    resources = [ConfigResource(ConfigResource.Type.TOPIC, topic.topic) for topic in there]
    described: dict[ConfigResource, Future[Any]] = client.describe_configs(
        resources, request_timeout=_TIMEOUT
    )
    for resource, topic in zip(resources, there, strict=True):
        found: dict[str, Any] = described[resource].result()
        differing = {
            name: f"{found[name].value} instead of {value}"
            for name, value in (topic.config or {}).items()
            if name in found and found[name].value != value
        }
        if counts[topic.topic] != topic.num_partitions:
            differing["partitions"] = f"{counts[topic.topic]} instead of {topic.num_partitions}"
        if differing:
            _log.warning(
                "a topic is not as the settings say: it stays as it is; kafka-configs and"
                " kafka-topics change topics that are there (partitions can only become more)",
                topic=topic.topic,
                **{name.replace(".", "_"): text for name, text in differing.items()},
            )

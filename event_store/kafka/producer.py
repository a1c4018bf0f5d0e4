"""Publishes records in transactions: all of one, or none of it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, cast

from confluent_kafka import KafkaError as ClientError
from confluent_kafka import KafkaException, Producer

from event_store.kafka.admin import MAX_MESSAGE_BYTES, QUIET, counts_by_category, unavailable
from event_store.kafka.envelope import Record
from event_store.kafka.errors import Fenced, KafkaUnavailable
from event_store.kafka.topics import Topics

Result = TypeVar("Result")

TRANSACTION_SECONDS = 60
"""How long a transaction may take; then Kafka aborts it, also when its producer is gone."""
_SLICE = 1.0
"""Seconds that the client may block before it is asked whether it should still wait."""
_TOPICS_TIMEOUT = 5.0
_FENCED = {ClientError._FENCED, ClientError.PRODUCER_FENCED, ClientError.INVALID_PRODUCER_EPOCH}  # noqa: SLF001
_FATAL, _TIMED_OUT = ClientError._FATAL, ClientError._TIMED_OUT  # noqa: SLF001


def settings_of(servers: str, transactional_id: str, compression: str) -> dict[str, Any]:
    """The client's settings; compression is that of Kafka's `compression.type`."""
    return {
        "bootstrap.servers": servers,
        "transactional.id": transactional_id,
        "transaction.timeout.ms": TRANSACTION_SECONDS * 1000,
        "compression.type": compression,
        "message.max.bytes": MAX_MESSAGE_BYTES,
        # A commit sends at once what waits; until then batches may grow.
        "linger.ms": 20,
        "reconnect.backoff.max.ms": 2000,
        **QUIET,
    }


class TransactionalProducer:
    """A producer that has its transactional id to itself, until another one takes it.

    The client's calls block: they are made in a thread of their own, one after another. After an
    error the producer is of no more use; whether its last transaction was committed is then to
    be seen in what it wrote, once another one has begun.
    """

    def __init__(self, servers: str, transactional_id: str, compression: str) -> None:
        """Prepare; `begin` connects."""
        self._settings = settings_of(servers, transactional_id, compression)
        self._thread = ThreadPoolExecutor(1, "kafka-producer")
        self._closing = threading.Event()
        self._producer: Producer | None = None

    async def begin(self) -> None:
        """Take over from all producers of this transactional id; what they left open is aborted.

        Raises:
            KafkaUnavailable: it can't be done now.
        """
        await self._call(self._begin)

    async def publish(self, records: Sequence[Record]) -> None:
        """Write these records in one transaction; returns when it is committed.

        Waits while Kafka does not answer, as long as the transaction may last.

        Raises:
            Fenced: another producer has taken over.
            KafkaUnavailable: the outcome may be unknown.
        """
        await self._call(lambda: self._publish(records))

    async def counts(self, topics: Topics) -> dict[str, int]:
        """How many partitions each category's topic has now.

        Raises:
            KafkaUnavailable: Kafka does not say, or one of the topics is gone.
        """
        return await self._call(lambda: self._counts(topics))

    async def close(self) -> None:
        """Let go of the connection; a transaction that is being committed may still end."""
        self._closing.set()
        await asyncio.shield(self._call(self._close))
        self._thread.shutdown(wait=False)

    async def _call(self, call: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)

    def _begin(self) -> None:
        try:
            self._producer = Producer(self._settings)
            self._patiently(self._producer.init_transactions)
        except KafkaException as error:
            raise self._translated(error) from error

    def _publish(self, records: Sequence[Record]) -> None:
        producer = self._begun()
        try:
            producer.begin_transaction()
            for record in records:
                _produce(producer, record)
            self._patiently(producer.commit_transaction)
        except KafkaException as error:
            raise self._translated(error) from error

    def _patiently(self, call: Callable[[float], None]) -> None:
        while True:
            try:
                return call(_SLICE)
            except KafkaException as error:
                reason = error.args[0]
                if not reason.retriable() or self._closing.is_set():
                    raise

    def _counts(self, topics: Topics) -> dict[str, int]:
        try:
            found: Any = self._begun().list_topics(timeout=_TOPICS_TIMEOUT).topics
            counts = {name: len(topic.partitions) for name, topic in found.items()}
            return dict(counts_by_category(topics, counts))
        except KafkaException as error:
            raise self._translated(error) from error
        except KeyError as error:
            raise KafkaUnavailable(f"the topic {error} is gone") from error

    def _translated(self, error: KafkaException) -> Fenced | KafkaUnavailable:
        code = error.args[0].code()
        if code == _FATAL:
            # It does not say what was fatal; the next call for the transaction does.
            try:
                self._begun().abort_transaction(_SLICE)
            except KafkaException as fatal:
                code = fatal.args[0].code()
        if code in _FENCED:
            return Fenced("another relay has taken over")
        return unavailable(error)

    def _begun(self) -> Producer:
        if self._producer is None:
            raise KafkaUnavailable("the producer is closed")
        return self._producer

    def _close(self) -> None:
        if self._producer is not None:
            self._producer.purge()
            # With the last reference the client ends, without waiting for anybody.
            self._producer = None


def _produce(producer: Producer, record: Record) -> None:
    while True:
        try:
            return producer.produce(
                record.topic,
                record.value,
                record.key,
                record.partition,
                headers=cast("Any", record.headers),
                timestamp=record.timestamp,
            )
        except BufferError:
            producer.poll(_SLICE)

"""`BatchAppend`: many appends over one call, each in as many parts as the client likes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field

import grpc

from event_store.dev_server import batch_answers as answers
from event_store.dev_server.messages import expected_of, id_of, proposed, stream_of
from event_store.dev_server.protocol import streams_pb2
from event_store.dev_server.records import Proposed
from event_store.dev_server.rpc import Call
from event_store.dev_server.statuses import Refused, invalid, timed_out
from event_store.dev_server.writing import Writing
from event_store.errors import BatchTooLarge, EventStoreError

_AT_ONCE = 256
"""Batches of one call that may wait for the disk: more are not read from the client."""


@dataclass(slots=True)
class _Batch:
    stream: str
    expected: int
    seconds: float
    most: int
    events: list[Proposed] = field(default_factory=list[Proposed])
    size: int = 0

    def add(self, request: streams_pb2.BatchAppendReq) -> None:
        for message in request.proposed_messages:
            event = proposed(message)
            self.events.append(event)
            self.size += event.size
            if self.size > self.most:
                raise BatchTooLarge(f"Maximum Append Size of {self.most} Exceeded.")


class BatchCall:
    """The batches of one call."""

    def __init__(self, writing: Writing, call: Call) -> None:
        """Write the batches and answer each on the call."""
        self._writing = writing
        self._call = call
        self._batches: dict[bytes, _Batch | None] = {}
        """What is not complete; None for what was refused before it was."""
        self._answering = asyncio.Lock()
        self._free = asyncio.Semaphore(_AT_ONCE)

    async def serve(self, requests: AsyncIterator[streams_pb2.BatchAppendReq]) -> None:
        """Take batches until the client has sent all; return when each is answered."""
        refused: Refused | None = None
        async with asyncio.TaskGroup() as writes:
            try:
                async for request in requests:
                    await self._take(request, writes)
            except Refused as refusal:
                # What came before is written and answered.
                refused = refusal
        if refused is not None:
            raise refused

    async def _take(self, request: streams_pb2.BatchAppendReq, writes: asyncio.TaskGroup) -> None:
        correlation = id_of(request.correlation_id)
        try:
            batch = self._taken(correlation, request)
        except (Refused, BatchTooLarge) as error:
            await self._answer(request, answers.failure(error, self._most))
            if not request.is_final:
                self._batches[correlation] = None
            return
        if batch is not None:
            await self._free.acquire()
            writes.create_task(self._write(request, batch))

    @property
    def _most(self) -> int:
        return self._writing.max_append_size

    def _taken(self, correlation: bytes, request: streams_pb2.BatchAppendReq) -> _Batch | None:
        """The batch, once all its parts are there."""
        if correlation in self._batches:
            batch = self._batches.pop(correlation)
        elif request.HasField("options"):
            batch = self._begun(request.options)
        else:
            raise invalid("The first part of a batch needs its options.")
        if batch is not None:
            batch.add(request)
        if request.is_final:
            return batch
        self._batches[correlation] = batch
        return None

    def _begun(self, options: streams_pb2.BatchAppendReq.Options) -> _Batch:
        kind = options.WhichOneof("expected_stream_position")
        expected = expected_of(kind, options.stream_position)
        seconds = min(_seconds_left(options), self._writing.write_timeout)
        if seconds <= 0:
            raise timed_out()
        return _Batch(stream_of(options), expected, seconds, self._most)

    async def _write(self, request: streams_pb2.BatchAppendReq, batch: _Batch) -> None:
        try:
            written = await self._writing.write(
                batch.stream, batch.events, batch.expected, batch.seconds
            )
        except (Refused, EventStoreError) as error:
            answer = answers.failure(error, self._most)
        else:
            answer = answers.success(written)
        finally:
            self._free.release()
        answer.stream_identifier.stream_name = batch.stream.encode()
        await self._answer(request, answer)

    async def _answer(
        self, request: streams_pb2.BatchAppendReq, answer: streams_pb2.BatchAppendResp
    ) -> None:
        answer.correlation_id.CopyFrom(request.correlation_id)
        if request.HasField("options"):
            answer.stream_identifier.CopyFrom(request.options.stream_identifier)
        async with self._answering:
            # A client that is gone wants no answer; what it has sent is written all the same.
            with suppress(grpc.aio.InternalError):
                await self._call.write(answer)


def _seconds_left(options: streams_pb2.BatchAppendReq.Options) -> float:
    match options.WhichOneof("deadline_option"):
        case "deadline":
            return options.deadline.seconds + options.deadline.nanos / 1e9
        case "deadline_21_10_0":
            deadline = options.deadline_21_10_0
            return deadline.seconds + deadline.nanos / 1e9 - time.time()
        case _:
            return float("inf")

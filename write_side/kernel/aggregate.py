"""The base of all aggregates."""

from __future__ import annotations

import hashlib
import typing
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from functools import cache, singledispatchmethod
from inspect import getattr_static
from typing import Any, ClassVar, Self, cast

import msgspec
from eventsourcing.domain import BaseAggregate

from contracts.errors import IdempotencyKeyReused
from contracts.events.base import Event
from contracts.metadata import Idempotency, ReplayMetadata
from event_store.port import NO_VERSION

REMEMBERED_KEYS = 64
_MODIFIED_ON = "modified_on"
_BEGINNING = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Answered:
    """What a command with an idempotency key was answered."""

    fingerprint: str
    version: int
    ids: dict[str, str]


class Aggregate(BaseAggregate[str]):
    """An aggregate: its state as fields with defaults, verbs that decide, `evolve` that follows.

    A blank one, at `NO_VERSION`, stands for an aggregate that does not exist yet; its first verb
    triggers event 0. Verbs take the time and ids they need: nothing in here looks at a clock.
    """

    INITIAL_VERSION = 0
    CATEGORY: ClassVar[str]
    NAME: ClassVar[str]
    """What people call it, in messages."""

    # Without types, so that they are no part of the state.
    knows_all = True
    last_hash = ""

    answered: dict[str, Answered] = field(default_factory=dict[str, Answered])
    """By idempotency key: the last `REMEMBERED_KEYS` answers."""

    @classmethod
    def blank(cls, aggregate_id: str) -> Self:
        """The aggregate before its first event."""
        aggregate = cls.__new__(cls)
        aggregate.__base_init__(aggregate_id, NO_VERSION, _BEGINNING)
        aggregate.__init__()
        return aggregate

    @property
    def exists(self) -> bool:
        """Whether anything has happened to it yet."""
        return self._version > NO_VERSION

    @property
    def stream(self) -> str:
        """The name of its stream."""
        return f"{self.CATEGORY}-{self._id}"

    def trigger(self, event_type: type[Event], at: datetime, **data: Any) -> None:
        """Let an event happen at a business time, but never before what happened last."""
        self.trigger_event(event_type, timestamp=max(at, self.modified_on), **data)

    @singledispatchmethod
    def evolve(self, event: Event) -> None:
        """Follow an event; aggregates have their own `singledispatchmethod` of this name.

        Never refuses: it has happened.
        """
        raise TypeError(f"{type(self).__name__} does not know {type(event).__name__}")

    def follow(self, event: Event) -> None:
        """Evolve with an event.

        The same as `evolve`, which makes a new function each time it is asked for.
        """
        _evolution(type(self), type(event))(self, event)

    def pass_over(self, version: int, at: datetime) -> None:
        """Follow an event of a type that is not known here: only its version and time count."""
        self.knows_all = False
        self.version = version
        self.modified_on = at

    def remember(self, metadata: ReplayMetadata, version: int) -> None:
        """Keep the hash of an event, and the answer that its metadata carry."""
        self.last_hash = metadata.hash or ""
        if metadata.idempotency is not None:
            self.keep(metadata.idempotency, version)

    def keep(self, known: Idempotency, version: int) -> None:
        """Keep an answer, and forget the oldest of too many."""
        self.answered.pop(known.key, None)
        self.answered[known.key] = Answered(known.fingerprint, version, known.ids)
        if len(self.answered) > REMEMBERED_KEYS:
            del self.answered[next(iter(self.answered))]

    def earlier_answer(self, key: str | None, fingerprint: str | None) -> Answered | None:
        """The answer given to this key before.

        Raises:
            IdempotencyKeyReused: the key came with another request then.
        """
        answered = self.answered.get(key) if key is not None else None
        if answered is not None and answered.fingerprint != fingerprint:
            raise IdempotencyKeyReused("Use a new Idempotency-Key for a new request.")
        return answered


@cache
def _evolution(aggregate_type: type[Aggregate], event_type: type[Event]) -> Callable[..., None]:
    evolve = cast("singledispatchmethod[None]", getattr_static(aggregate_type, "evolve"))
    return evolve.dispatcher.dispatch(event_type)


@cache
def _state_fields(aggregate_type: type[Aggregate]) -> tuple[str, ...]:
    return tuple(f.name for f in fields(cast("Any", aggregate_type)))


@cache
def _state_type(aggregate_type: type[Aggregate]) -> Any:
    hints = typing.get_type_hints(aggregate_type)
    shape = {name: hints[name] for name in _state_fields(aggregate_type)}
    return typing.TypedDict(aggregate_type.__name__, shape)  # pyright: ignore


@cache
def state_fingerprint(aggregate_type: type[Aggregate]) -> str:
    """A digest of the shape of the aggregate's state: another shape, another fingerprint."""
    schema = msgspec.json.encode(msgspec.json.schema(_state_type(aggregate_type)), order="sorted")
    return hashlib.sha256(schema).hexdigest()[:16]


def dump_state(aggregate: Aggregate) -> bytes:
    """The aggregate's state as JSON, for a snapshot."""
    state = {name: getattr(aggregate, name) for name in _state_fields(type(aggregate))}
    state[_MODIFIED_ON] = aggregate.modified_on
    return msgspec.json.encode(state)


@cache
def _decoder(aggregate_type: type[Aggregate]) -> msgspec.json.Decoder[dict[str, Any]]:
    shape = {**typing.get_type_hints(_state_type(aggregate_type)), _MODIFIED_ON: datetime}
    return msgspec.json.Decoder(typing.TypedDict(aggregate_type.__name__, shape))  # pyright: ignore


def restore_state(aggregate: Aggregate, version: int, state: bytes) -> None:
    """Bring a blank aggregate to the state of a snapshot taken at that version."""
    restored = _decoder(type(aggregate)).decode(state)
    aggregate.modified_on = restored.pop(_MODIFIED_ON)
    vars(aggregate).update(restored)
    aggregate.version = version

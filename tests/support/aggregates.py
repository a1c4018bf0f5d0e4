"""Given/when/then for aggregates: past events, one verb, the events it decides on.

    order = given(Order, happened(OrderCreated, customer_id="c", ...), happened(ItemAdded, ...))
    order.when(lambda order: order.confirm("tok", at=AT)).then(
        happened(OrderConfirmed, total=..., payment_method="tok")
    )
    given(Order).when(lambda order: order.confirm(..., at=AT)).refused("order-not-open")
    given(User, happened(UserRegistered, ...)).when(lambda u: u.rename("Ada", at=AT)).nothing()

`happened(EventType, **data)` names an event and its data, without id, version and time: those
follow from the order in which they are given. `given` plays the events on a blank aggregate (id
`ID` unless `id=` says otherwise) at `AT`, one minute apart with `AT` being the latest, so that a
verb called with `AT` or later is never in the past. `then` compares types, data and order of all
events the verb triggered; the aggregate as it is afterwards is `.aggregate`, what the verb
returned is `.result`. `replayed(aggregate_type, *happened)` gives just the aggregate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

from contracts.errors import DomainError
from contracts.events.base import Event
from contracts.registry import data_fields
from write_side.kernel.aggregate import Aggregate

ID = "11111111-1111-4111-8111-111111111111"
AT = datetime(2026, 1, 5, 10, 0, tzinfo=UTC)

A = TypeVar("A", bound=Aggregate)


@dataclass(frozen=True)
class Happened:
    """An event's type and data."""

    type: type[Event]
    data: dict[str, Any]

    def __repr__(self) -> str:
        data = ", ".join(f"{name}={value!r}" for name, value in self.data.items())
        return f"{self.type.__name__}({data})"


def happened(event_type: type[Event], **data: Any) -> Happened:
    """Name an event; fields with a default may be left out."""
    whole = event_type(originator_id=ID, originator_version=0, timestamp=AT, **data)
    return _data_of(whole)


def replayed(aggregate_type: type[A], *history: Happened, id: str = ID) -> A:  # noqa: A002
    """The aggregate after these events, with nothing pending."""
    aggregate = aggregate_type.blank(id)
    for minutes, event in enumerate(history, start=1 - len(history)):
        aggregate.trigger(event.type, AT + timedelta(minutes=minutes), **event.data)
    aggregate.collect_events()
    return aggregate


def given(aggregate_type: type[A], *history: Happened, id: str = ID) -> Given[A]:  # noqa: A002
    """An aggregate with a past."""
    return Given(replayed(aggregate_type, *history, id=id))


class Given(Generic[A]):
    """An aggregate waiting for a verb."""

    def __init__(self, aggregate: A) -> None:
        self.aggregate = aggregate

    def when(self, verb: Callable[[A], Any]) -> Outcome[A]:
        """Call a verb; what it decides or why it refuses is kept for `Outcome`."""
        try:
            result = verb(self.aggregate)
        except DomainError as error:
            return Outcome(self.aggregate, None, error)
        return Outcome(self.aggregate, result, None)


class Outcome(Generic[A]):
    """What came of a verb."""

    def __init__(self, aggregate: A, result: Any, error: DomainError | None) -> None:
        self.aggregate = aggregate
        self.result = result
        self.error = error
        self.events = [_data_of(event) for event in aggregate.collect_events()]

    def then(self, *expected: Happened) -> Outcome[A]:
        """The verb decided on exactly these events."""
        if self.error is not None:
            raise self.error
        assert self.events == list(expected)
        return self

    def nothing(self) -> Outcome[A]:
        """The verb succeeded and nothing happened."""
        return self.then()

    def refused(self, code: str, error_type: type[DomainError] = DomainError) -> Outcome[A]:
        """The verb refused with this code and nothing happened."""
        assert self.error is not None, f"not refused: {self.events}"
        assert isinstance(self.error, error_type)
        assert self.error.code == code
        assert self.events == []
        return self


def _data_of(event: Any) -> Happened:
    return Happened(type(event), {name: getattr(event, name) for name in data_fields(type(event))})

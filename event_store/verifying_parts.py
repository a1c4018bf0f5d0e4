"""Checks the event stores of several contexts one by one, as what they are to readers: one store.

Positions say what was recorded before what within one store only, and so does the moment from which
on there were hashes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from event_store.chain import Chain
from event_store.composite import compose, context_of, contexts_in, parts_of
from event_store.heads import Head
from event_store.inspection import Parted
from event_store.port import EventStore
from event_store.verifying import Progress, Report, Verification, Verified


class Verifies(Protocol):
    """What checks a store once."""

    async def everything(self) -> Verified:
        """Check all that was recorded until now."""
        ...

    async def stream(self, stream: str) -> Verified:
        """Check one stream."""
        ...

    def head(self, made_at: datetime) -> Head:
        """Where the streams ended, after `everything`."""
        ...


def verification_of(
    store: EventStore,
    identity: str,
    chain: Chain,
    report: Report,
    *,
    all_hashed: bool = False,
    against: Head | None = None,
    progress: Progress = lambda _: None,
) -> Verifies:
    """What checks this store, whether it is one or several read as one; see `Verification`."""
    if not isinstance(store, Parted):
        return Verification(
            store,
            identity,
            chain,
            report,
            all_hashed=all_hashed,
            against=against,
            progress=progress,
        )
    identities = parts_of(identity) or {}
    return _Parts(
        {
            name: Verification(
                part,
                identities[name],
                chain,
                report,
                all_hashed=all_hashed,
                against=_part_of(against, name),
                progress=progress,
                contexts=contexts_in(name),
            )
            for name, part in store.parts.items()
        }
    )


class _Parts:
    """Checks several stores; what is found and counted is that of all."""

    def __init__(self, checks: Mapping[str, Verification]) -> None:
        self._checks = checks

    async def everything(self) -> Verified:
        """Check one store after another."""
        return _sum([await check.everything() for check in self._checks.values()])

    async def stream(self, stream: str) -> Verified:
        """Check a stream in the store of its context."""
        context = context_of(stream)
        [check] = [it for name, it in self._checks.items() if context in contexts_in(name)]
        return await check.stream(stream)

    def head(self, made_at: datetime) -> Head:
        """Where the streams of all stores ended."""
        heads = {name: check.head(made_at) for name, check in self._checks.items()}
        ends = [end for head in heads.values() for end in head.streams]
        return Head(
            1,
            compose({name: head.store for name, head in heads.items()}),
            made_at,
            compose({name: head.position or "" for name, head in heads.items()}),
            sum(head.events for head in heads.values()),
            tuple(sorted(ends, key=lambda end: end.stream)),
        )


def _part_of(head: Head | None, name: str) -> Head | None:
    """What a head says of one of the stores; also one that was made when there was one store."""
    if head is None:
        return None
    identities, positions = parts_of(head.store) or {}, parts_of(head.position or "") or {}
    contexts = contexts_in(name)
    return msgspec.structs.replace(
        head,
        store=identities.get(name, ""),
        position=positions.get(name) or None,
        streams=tuple(end for end in head.streams if context_of(end.stream) in contexts),
    )


def _sum(checked: Sequence[Verified]) -> Verified:
    proven = sum(one.proven for one in checked)
    return Verified(
        sum(one.events for one in checked),
        sum(one.streams for one in checked),
        proven,
        sum(one.unchained for one in checked),
        sum(one.findings for one in checked),
        any(one.other_store for one in checked),
        not proven and any(one.none_fits for one in checked),
    )

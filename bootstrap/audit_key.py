"""The audit key, and whether every event of the store must have a hash made with it."""

from __future__ import annotations

from contextlib import aclosing

from api.cli.application import CannotOpen
from bootstrap.settings import Settings, has_secret, keep_secret, secret_of, secrets_folder
from event_store.chain import Chain, hash_of, readings
from event_store.inspection import Parted, walk_of
from event_store.port import EventStore, RecordedEvent

_CHAINED = "chained"
_LOOKED_AT = 50
_STATEMENT = b"each event of this store was recorded with a hash"


async def open_chain(settings: Settings, events: EventStore) -> tuple[Chain, bool]:
    """The chain of the audit key, and whether each event was recorded with a hash for certain.

    That is so where the store was empty when it was first opened with the key, or where all
    secrets were made for a new shop by `orderlog secrets make`. It is kept beside the secrets,
    signed: who can change the store only can't take it back.

    Raises:
        CannotOpen: the key is missing, though there are events with hashes, or damaged.
    """
    await _refuse_lost_key(settings, events)
    chain = Chain(secret_of(settings, "audit"))
    statement = _statement(chain)
    if not has_secret(settings, _CHAINED):
        if settings.secrets is not None:
            return chain, False  # Nothing is written there.
        # Not by the head: on a server it also counts what is kept beside the events.
        if (await events.read_all(limit=1)).events:
            return chain, False
        keep_secret(settings, _CHAINED, statement)
    return chain, secret_of(settings, _CHAINED) == statement


def state_that_all_are_hashed(settings: Settings) -> None:
    """Keep the statement for a shop that begins now, with these secrets.

    Raises:
        CannotOpen: the audit key is missing or damaged.
    """
    chain = Chain(secret_of(settings, "audit"))
    keep_secret(settings, _CHAINED, _statement(chain))


def _statement(chain: Chain) -> bytes:
    return chain.signature(_STATEMENT).encode()


async def _refuse_lost_key(settings: Settings, events: EventStore) -> None:
    """A key that was lost is not replaced in silence."""
    if settings.audit_key_file is not None or has_secret(settings, "audit"):
        return
    if has_secret(settings, _CHAINED) or await _has_hashes(events):
        raise CannotOpen(
            f"The audit key of the events in {settings.data} is missing. Put it back as "
            f"{secrets_folder(settings) / 'audit'}; if it is lost, put a new one there "
            "(openssl rand -hex 32): nothing of before can be verified with that."
        )


async def _has_hashes(events: EventStore) -> bool:
    """Whether any event has one; it takes long only once, with the events of older software."""
    if isinstance(events, Parted):
        return any([await _has_hashes(part) for part in events.parts.values()])
    walk = walk_of(events)
    end = await walk.end()
    if end is None:
        return False
    async with aclosing(walk.everything(end)) as pages:
        async for page in pages:
            if any(hash_of(stored.event.metadata) for stored in page):
                return True
    return False


async def is_key_of(events: EventStore, chain: Chain) -> bool:
    """Whether any of the first events was recorded with the key of this chain; True if none is.

    Those of another shop's secrets were not.

    Raises:
        EventStoreError: the store does not answer.
    """
    first = (await events.read_all(limit=_LOOKED_AT)).events
    told = [fits for event in first if (fits := _fits(event, chain)) is not None]
    return any(told) or not told


def _fits(event: RecordedEvent, chain: Chain) -> bool | None:
    """Whether the hash is right, of an event that begins its stream; None if that says nothing."""
    if event.version != 0:
        return None
    try:
        found = list(readings(event.metadata))
    except ValueError:
        return None
    where = (event.stream, event.version, event.id, event.type, event.data)
    hashed = [(one, metadata) for one, metadata in found if one is not None]
    if not hashed:
        return None
    return any(one == chain.link("", *where, metadata) for one, metadata in hashed)

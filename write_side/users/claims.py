"""E-mail addresses belong to one user: claims, their completion and release.

A claim carries the events that make the address the user's. It decides: once it is recorded, the
events are appended by the handler, or after a crash by whoever comes next (the same request
again, another user who wants the address, the policy), always the same ids at the same versions.
"""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

from contracts.errors import Refused
from contracts.events.users import PreparedEvent
from event_store.errors import WrongExpectedVersion
from event_store.port import EventStore, NewEvent, StreamState
from write_side.kernel.appending import append_surely
from write_side.kernel.context import CommandContext
from write_side.kernel.repository import Repository
from write_side.users.email_address import EmailAddress, email_taken
from write_side.users.user import User


class EmailClaims:
    """Decides whose an address is."""

    def __init__(
        self,
        users: Repository[User],
        addresses: Repository[EmailAddress],
        events: EventStore,
        *,
        key: bytes,
    ) -> None:
        """Use these streams; `key` hashes the addresses, another key makes others of them."""
        self._users = users
        self._addresses = addresses
        self._events = events
        self._key = key

    def address_id(self, email: str) -> str:
        """The id of an address: the same in any case and Unicode composition."""
        folded = unicodedata.normalize("NFC", email).casefold()
        address = unicodedata.normalize("NFC", folded).encode()
        return hmac.digest(self._key, address, hashlib.sha256).hex()

    def same_address(self, one: str, other: str) -> bool:
        """Whether two spellings are one address."""
        return self.address_id(one) == self.address_id(other)

    async def holder(self, email: str) -> str | None:
        """The id of the user who has, or is about to have, the address."""
        return (await self._addresses.load(self.address_id(email))).holder

    async def claim(
        self,
        email: str,
        user: User,
        new: Sequence[NewEvent],
        command: str,
        context: CommandContext,
        *,
        first: Sequence[PreparedEvent] = (),
    ) -> None:
        """Make the address the user's, if the user's `new` events get appended after this.

        Events of other streams that have to be there before them come `first`; they are appended.

        Raises:
            Refused: the address is another user's.
            WrongExpectedVersion: the user or the address changed meanwhile: decide again.
        """
        address, holder = await self._settled(self.address_id(email), command, context)
        if holder is not None and holder.id != user.id:
            raise email_taken()
        if holder is None:
            version = user.version - len(new) + 1
            prepared = (*first, *prepared_events(user.stream, version, new))
            address.claim(user.id, version, prepared, at=context.now)
            await self._addresses.save(address, command, context)
            await self._append_first(first)

    async def settle(self, address_id: str, command: str, context: CommandContext) -> None:
        """Complete a claim that is pending; release the address if the user does not have it.

        Raises:
            WrongExpectedVersion: the address changed meanwhile.
        """
        await self._settled(address_id, command, context)

    async def _settled(
        self, address_id: str, command: str, context: CommandContext
    ) -> tuple[EmailAddress, User | None]:
        """The address, and the user who has it."""
        address = await self._addresses.load(address_id)
        if address.holder is None:
            return address, None
        user = await self._users.load(address.holder)
        if user.version < address.user_version:
            await self._complete(address.prepared)
            user = await self._users.load(address.holder)
        if user.exists and self.address_id(user.email) == address_id:
            return address, user
        address.release(at=context.now)
        await self._addresses.save(address, command, context)
        return address, None

    async def _complete(self, prepared: Sequence[PreparedEvent]) -> None:
        # A version that another event took makes the claim void, and nothing more is appended.
        with suppress(WrongExpectedVersion):
            for event in prepared:
                await self._append(event)

    async def _append_first(self, first: Sequence[PreparedEvent]) -> None:
        try:
            for event in first:
                await self._append(event)
        except WrongExpectedVersion as error:
            raise Refused(
                "This user is being registered with other data.", code="user-exists"
            ) from error

    async def _append(self, event: PreparedEvent) -> None:
        new = NewEvent(
            UUID(event.event_id), event.type, event.data.encode(), event.metadata.encode()
        )
        expected = event.version - 1 if event.version else StreamState.NO_STREAM
        await append_surely(self._events, event.stream, [new], expected)


def prepared_events(
    stream: str, first: int, events: Sequence[NewEvent]
) -> tuple[PreparedEvent, ...]:
    """Events as a claim keeps them, the first of them at this version of their stream."""
    return tuple(
        PreparedEvent(
            event_id=str(event.id),
            stream=stream,
            version=version,
            type=event.type,
            data=event.data.decode(),
            metadata=event.metadata.decode(),
        )
        for version, event in enumerate(events, start=first)
    )

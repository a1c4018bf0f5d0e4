"""Policy of Users: no e-mail claim stays pending and no address stays held without need."""

from __future__ import annotations

from contextlib import suppress

from contracts.events.users import EmailClaimed, ProfileChanged
from contracts.registry import id_of
from event_store.codec import decode
from event_store.errors import WrongExpectedVersion
from event_store.port import RecordedEvent
from write_side.kernel.context import CommandContext, caused_by
from write_side.kernel.repository import Repository
from write_side.users.claims import EmailClaims
from write_side.users.user import User


class SettleEmailClaims:
    """Completes claims whose handler did not come to it, and releases what is void or left.

    `Unavailable` says nothing about the event: whoever runs the policy tries again.
    """

    NAME = "email-claims"
    CATEGORIES = ("email", "user")
    COMMAND = "SettleEmailClaim"

    def __init__(self, users: Repository[User], claims: EmailClaims) -> None:
        """Settle these claims; the repository is the one that the handlers use."""
        self._users = users
        self._claims = claims

    async def handle(self, recorded: RecordedEvent) -> None:
        """Follow an event of an address or a user. The same event again changes nothing."""
        if recorded.type == EmailClaimed.__name__:
            await self._claimed(recorded)
        elif recorded.type == ProfileChanged.__name__:
            await self._profile_changed(recorded)

    async def _claimed(self, recorded: RecordedEvent) -> None:
        event, metadata = decode(recorded)
        if isinstance(event, EmailClaimed):
            context = caused_by(recorded, metadata, self.NAME)
            await self._settle(id_of(recorded.stream), event.user_id, context)

    async def _profile_changed(self, recorded: RecordedEvent) -> None:
        event, metadata = decode(recorded)
        user_id = id_of(recorded.stream)
        before = await self._users.load(user_id, version=recorded.version - 1)
        if isinstance(event, ProfileChanged) and not self._claims.same_address(
            before.email, event.email
        ):
            context = caused_by(recorded, metadata, self.NAME)
            await self._settle(self._claims.address_id(before.email), user_id, context)

    async def _settle(self, address_id: str, user_id: str, context: CommandContext) -> None:
        # The handler that made the claim has its turn until it is done, unless it failed.
        async with self._users.turn(user_id):
            # Whoever was faster settled it, or claimed it, which is an event to come.
            with suppress(WrongExpectedVersion):
                await self._claims.settle(address_id, self.COMMAND, context)

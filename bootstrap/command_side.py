"""What takes commands: aggregates, handlers, sessions and policies, on an event store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from api.security.consistency import ConsistencyTokens
from api.security.tokens import AccessTokens
from bootstrap.audit_key import open_chain
from bootstrap.directories import OrdersAsBook, ProductsAsCatalogue, UsersAsCustomers
from bootstrap.settings import Settings, secret_of
from contracts.values import Role
from event_store.chain import Chain
from event_store.port import WholeEventStore
from write_side.inventory import command_handlers as inventory
from write_side.inventory.anti_corruption_layer import AntiCorruptionLayer
from write_side.inventory.policies import SoftReservation
from write_side.inventory.sku_mapping import SkuMapping
from write_side.inventory.stock_item import StockItem
from write_side.kernel.aggregate import Aggregate
from write_side.kernel.bus import CommandBus
from write_side.kernel.repository import Repository
from write_side.sales import command_handlers as sales
from write_side.sales.order import Order
from write_side.sales.product import Product
from write_side.users import command_handlers as users
from write_side.users.claims import EmailClaims
from write_side.users.credential import Credential
from write_side.users.email_address import EmailAddress
from write_side.users.passwords import Passwords
from write_side.users.policies import SettleEmailClaims
from write_side.users.session import Session
from write_side.users.sessions import Sessions
from write_side.users.user import User

A = TypeVar("A", bound=Aggregate)
Policy = SoftReservation | SettleEmailClaims
"""What answers events with commands."""


@dataclass(frozen=True)
class CommandSide:
    """What commands need, connected."""

    settings: Settings
    events: WholeEventStore
    bus: CommandBus
    sessions: Sessions
    access_tokens: AccessTokens
    consistency_tokens: ConsistencyTokens
    reservation: SoftReservation
    claims: SettleEmailClaims
    store_identity: str
    chain: Chain
    all_hashed: bool
    """Whether each event was recorded with a hash, for certain."""

    @property
    def subscriptions(self) -> WholeEventStore:
        """What policies remember: kept with the events."""
        return self.events

    @property
    def policies(self) -> tuple[Policy, ...]:
        """All of them."""
        return (self.reservation, self.claims)

    def token(self, user_id: str, roles: tuple[Role, ...], lifetime: timedelta) -> str:
        """A bearer token, signed with the key of this installation."""
        kind = "service" if roles == ("service",) else "user"
        seconds = int(lifetime.total_seconds())
        return self.access_tokens.issue(user_id, roles, kind=kind, lifetime_seconds=seconds)[0]


async def connect_commands(settings: Settings, events: WholeEventStore) -> CommandSide:
    """Connect all that takes commands to this store.

    Raises:
        CannotOpen: a secret is missing or damaged; the message says which.
        EventStoreError: the store does not answer.
    """
    secret = secret_of(settings, "jwt")
    fingerprint_key = secret_of(settings, "fingerprints")
    chain, all_hashed = await open_chain(settings, events)

    def repository(aggregate_type: type[A]) -> Repository[A]:
        return Repository(
            aggregate_type,
            events,
            events,
            fingerprint_key=fingerprint_key,
            chain=chain,
            snapshot_every=settings.snapshot_every,
        )

    orders, products = repository(Order), repository(Product)
    stock, mappings = repository(StockItem), repository(SkuMapping)
    people, credentials = repository(User), repository(Credential)
    claims = EmailClaims(
        people, repository(EmailAddress), events, key=secret_of(settings, "addresses")
    )
    passwords = Passwords()
    access_tokens = AccessTokens(secret, lifetime_seconds=settings.access_token_seconds)
    bus = CommandBus(
        {
            **sales.handlers(orders, products, UsersAsCustomers(people)),
            **inventory.handlers(stock, mappings, ProductsAsCatalogue(products)),
            **users.handlers(people, credentials, claims, passwords),
        }
    )
    return CommandSide(
        settings=settings,
        events=events,
        bus=bus,
        sessions=Sessions(
            people,
            credentials,
            repository(Session),
            claims,
            passwords,
            access_tokens,
            refresh_seconds=settings.refresh_token_seconds,
        ),
        access_tokens=access_tokens,
        consistency_tokens=ConsistencyTokens(secret),
        reservation=SoftReservation(bus, OrdersAsBook(orders), AntiCorruptionLayer(mappings)),
        claims=SettleEmailClaims(people, claims),
        store_identity=await events.identity(),
        chain=chain,
        all_hashed=all_hashed,
    )

"""What answers queries: read models, how fresh they are, and the audit trail."""

from __future__ import annotations

from dataclasses import dataclass

from api.security.consistency import ConsistencyTokens
from api.security.tokens import AccessTokens
from bootstrap.operations import Operations
from bootstrap.past import ProjectedPast
from bootstrap.settings import Settings, secret_of
from event_store.port import WholeEventStore
from projections.catalogue import PROJECTORS
from read_side.audit.trail import AuditTrail
from read_side.rebuild_port import WholeReadStore


@dataclass(frozen=True)
class QuerySide:
    """What queries need, connected."""

    settings: Settings
    documents: WholeReadStore
    projections: Operations
    audit: AuditTrail
    access_tokens: AccessTokens
    consistency_tokens: ConsistencyTokens


def connect_queries(
    settings: Settings, events: WholeEventStore, documents: WholeReadStore
) -> QuerySide:
    """Connect all that answers queries to these stores. Nothing is asked of them yet.

    Raises:
        CannotOpen: the key of the tokens is missing or damaged.
    """
    secret = secret_of(settings, "jwt")
    return QuerySide(
        settings=settings,
        documents=documents,
        projections=Operations(settings, events, documents, PROJECTORS),
        audit=AuditTrail(events, ProjectedPast(PROJECTORS.values()), documents),
        access_tokens=AccessTokens(secret, lifetime_seconds=settings.access_token_seconds),
        consistency_tokens=ConsistencyTokens(secret),
    )

"""What a service needs of the settings: told in one line before anything is begun."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from api.cli.application import CannotOpen
from bootstrap.secrets_folder import require_secrets
from bootstrap.settings import Settings, with_given_secrets
from contracts.registry import CONTEXTS

_SQLITE = "sqlite"


@dataclass(frozen=True, slots=True)
class Needs:
    """Settings and secrets that a service can't do without, besides its event store."""

    kafka: bool = False
    read_store: bool = False
    secrets: Collection[str] = ()


def prepared(settings: Settings, name: str, needs: Needs) -> Settings:
    """The settings as the service uses them: secrets are given to it, it makes none.

    Raises:
        CannotOpen: something is missing; the message says which setting, and what it is for.
    """
    where = _without_server(settings)
    if where is not None:
        raise CannotOpen(
            f"serve {name} needs {where}, such as esdb://127.0.0.1:2113?Tls=false: services share "
            "an event store on a server. For all in one process: orderlog serve"
        )
    if needs.kafka and settings.kafka is None:
        raise CannotOpen(
            f"serve {name} needs ORDERLOG_KAFKA, such as 127.0.0.1:9092: events come and go "
            "through Kafka."
        )
    if needs.read_store and settings.read_store is None:
        raise CannotOpen(
            f"serve {name} needs ORDERLOG_READ_STORE, such as http://127.0.0.1:9200: services "
            "share the read models in Elasticsearch."
        )
    given = with_given_secrets(settings)
    require_secrets(given, needs.secrets)
    return given


def refuse_services(settings: Settings) -> None:
    """Refuse to do all in one process what services do with the same settings.

    Raises:
        CannotOpen: the settings are those of services.
    """
    if settings.kafka is not None:
        raise CannotOpen(
            "ORDERLOG_KAFKA is set, so the work is done by services: orderlog serve command-api, "
            "query-api, relay, projector and process-manager. Without it one process does it all."
        )


def missing_of_services(settings: Settings) -> Sequence[str]:
    """The settings that the services together can't do without, and that are not set."""
    missing = [_without_server(settings)]
    missing += ["ORDERLOG_KAFKA"] if settings.kafka is None else []
    missing += ["ORDERLOG_READ_STORE"] if settings.read_store is None else []
    return [name for name in missing if name is not None]


def _without_server(settings: Settings) -> str | None:
    """The setting that should name a server of events and does not."""
    for context in CONTEXTS:
        own = getattr(settings, f"{context}_event_store")
        if own is not None and own.get_secret_value() == _SQLITE:
            return f"ORDERLOG_{context.upper()}_EVENT_STORE"
        if own is None and settings.event_store is None:
            return "ORDERLOG_EVENT_STORE"
    return None

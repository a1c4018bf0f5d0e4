"""Settings of the services beside the event store: Kafka, and where read models are kept."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from bootstrap.event_store_server_settings import EventStoreServerSettings
from bootstrap.event_store_uri import checked_uri
from event_store.shares import MOST


def _is_event_store(uri: SecretStr) -> SecretStr | None:
    return None if _is_own_store(uri).get_secret_value() == "sqlite" else uri


def _is_own_store(uri: SecretStr) -> SecretStr:
    if uri.get_secret_value() != "sqlite":
        checked_uri(uri.get_secret_value())
    return uri


def _is_read_store(url: SecretStr) -> SecretStr | None:
    text = url.get_secret_value()
    if text == "sqlite":
        return None
    if not all(one.startswith(("http://", "https://")) for one in text.split(",")):
        raise ValueError("it is sqlite, or URLs such as http://127.0.0.1:9200, parted by commas")
    return url


def _are_servers(text: str) -> str:
    for server in text.split(","):
        host, _, port = server.rpartition(":")
        if not host or not port.isascii() or not port.isdigit():
            raise ValueError("servers are written as 127.0.0.1:9092, parted by commas")
    return text


EventStoreURI = Annotated[SecretStr, AfterValidator(_is_event_store)]
OwnEventStoreURI = Annotated[SecretStr, AfterValidator(_is_own_store)]
ReadStoreURL = Annotated[SecretStr, AfterValidator(_is_read_store)]
Prefix = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=100)]


class ServicesSettings(EventStoreServerSettings):
    """What can be set of them from outside."""

    event_store: EventStoreURI | None = None
    """EventStoreDB, with its password if it has one; a file in the data folder if not set."""
    sales_event_store: OwnEventStoreURI | None = None
    """An event store of its own for the context; the one of all where it is not set. `sqlite`
    is a file of its own in the data folder."""
    inventory_event_store: OwnEventStoreURI | None = None
    users_event_store: OwnEventStoreURI | None = None
    read_store: ReadStoreURL | None = None
    """Elasticsearch, with its password if it has one; files in the data folder if not set."""
    index_prefix: Prefix = "orderlog"
    rebuild_processes: Annotated[int, Field(ge=1, le=MOST)] | None = None
    """That replay a projection, where the read store takes several; as many as there are cores."""
    kafka: Annotated[str, AfterValidator(_are_servers)] | None = None
    """Servers to ask for the cluster's."""
    topic_prefix: Prefix | None = None
    """Stands before all topics, consumer groups and transactional ids."""
    topic_partitions: Annotated[int, Field(ge=1, le=1000)] = 6
    topic_replication: Annotated[int, Field(ge=1, le=10)] = 1
    topic_retention_hours: Annotated[float, Field(ge=0)] = 7 * 24
    """How long Kafka keeps events; 0: for good. The event store has them all anyway."""
    topic_compression: Literal["none", "gzip", "snappy", "lz4", "zstd"] = "lz4"
    secrets: Path | None = None
    """Folder of the secrets; `secrets` in the data folder if not set. Services never make one."""

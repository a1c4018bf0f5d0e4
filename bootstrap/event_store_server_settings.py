"""Settings of the development server for the EventStoreDB protocol."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings

Port = Annotated[int, Field(ge=0, le=65535)]


class EventStoreServerSettings(BaseSettings):
    """What can be set of it from outside."""

    event_store_data: Path | None = None
    """Folder of its file; `event-store-server` in the data folder if not set."""
    event_store_host: str = "127.0.0.1"
    event_store_port: Port = 2113
    event_store_advertise_host: str | None = None
    """Where clients that ask for the cluster are sent; the host if not set."""
    event_store_advertise_port: Port | None = None
    event_store_certificate: Path | None = None
    """PEM files of a certificate and its key: with them connections are encrypted."""
    event_store_key: Path | None = None
    event_store_user: str = "admin"
    event_store_password: SecretStr | None = None
    event_store_insecure: bool = False
    """Whether other machines may connect without certificate and password."""
    event_store_max_append_size: Annotated[int, Field(ge=1, le=15 * 2**20)] = 2**20
    """Bytes that one append may hold."""

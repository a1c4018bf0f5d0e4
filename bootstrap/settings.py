"""All settings: environment variables `ORDERLOG_*` or a `.env` file, each with a default."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What can be set from outside."""

    model_config = SettingsConfigDict(env_prefix="ORDERLOG_", env_file=".env", extra="ignore")

    data: Path = Path("orderlog-data")
    """Folder of the embedded stores and of secrets made on first start."""
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    jwt_secret: Annotated[SecretStr, Field(min_length=32)] | None = None
    """Signs all tokens; at least 32 characters. Made if absent."""
    snapshot_every: Annotated[int, Field(ge=1)] = 100
    access_token_seconds: Annotated[int, Field(ge=1)] = 900
    refresh_token_seconds: Annotated[int, Field(ge=1)] = 30 * 24 * 3600
    sign_ins_per_email: str = "30/minute"
    sign_ins_per_address: str = "600/minute"
    consistency_wait_seconds: Annotated[float, Field(ge=0, le=60)] = 2.0
    log_level: str = "info"
    log_format: Annotated[str, Field(pattern="^(text|json)$")] = "text"


def secret_of(settings: Settings, name: str) -> bytes:
    """A secret of this installation: 32 random bytes, kept in the data folder for its owner only.

    Made on first use. `jwt` comes from `ORDERLOG_JWT_SECRET` where that is set.
    """
    if name == "jwt" and settings.jwt_secret is not None:
        return settings.jwt_secret.get_secret_value().encode()
    folder = settings.data / "secrets"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / name
    if not path.exists():
        _make(path)
    return bytes.fromhex(path.read_text())


def _make(path: Path) -> None:
    """Write it whole or not at all; of several processes at once the first one's stays."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_bytes(32).hex())
        file.flush()
        os.fsync(file.fileno())
    with contextlib.suppress(FileExistsError):
        path.hardlink_to(temporary)
    temporary.unlink()

"""All settings: environment variables `ORDERLOG_*` or a `.env` file, each with a default."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from limits import parse
from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import SettingsConfigDict

from api.cli.application import CannotOpen
from bootstrap.event_store_server_settings import Port
from bootstrap.services_settings import ServicesSettings

_EVENT_KEYS = ("addresses", "fingerprints", "chained")
"""Secrets that hashes in the events were made with, and what is known of those hashes."""
_KEY_BYTES = 32


def _is_limit(text: str) -> str:
    try:
        parse(text)
    except ValueError:
        raise ValueError('a limit is written as "30/minute"') from None
    return text


Limit = Annotated[str, AfterValidator(_is_limit)]


class Settings(ServicesSettings):
    """What can be set from outside."""

    model_config = SettingsConfigDict(env_prefix="ORDERLOG_", env_file=".env", extra="ignore")

    data: Path = Path("orderlog-data")
    """Folder of the embedded stores and of secrets made on first start."""
    host: str = "127.0.0.1"
    port: Port = 8000
    jwt_secret: Annotated[SecretStr, Field(min_length=32)] | None = None
    """Signs all tokens; at least 32 characters. Made if absent."""
    snapshot_every: Annotated[int, Field(ge=1)] = 100
    access_token_seconds: Annotated[int, Field(ge=1)] = 900
    refresh_token_seconds: Annotated[int, Field(ge=1)] = 30 * 24 * 3600
    sign_ins_per_email: Limit = "30/minute"
    sign_ins_per_address: Limit = "600/minute"
    consistency_wait_seconds: Annotated[float, Field(ge=0, le=60)] = 2.0
    audit_key_file: Path | None = None
    """File with the key of the hashes over events, in hex; made in the data folder if not set."""
    log_level: Annotated[str, Field(pattern="^(?i:debug|info|warning|error|critical)$")] = "info"
    log_format: Annotated[str, Field(pattern="^(text|json)$")] = "text"


def secret_of(settings: Settings, name: str) -> bytes:
    """A secret of this installation: 32 random bytes, kept in the data folder for its owner only.

    Made on first use, unless the folder is given by `ORDERLOG_SECRETS`: of several machines each
    would make its own. `jwt` comes from `ORDERLOG_JWT_SECRET` where that is set, `audit` from
    `ORDERLOG_AUDIT_KEY_FILE`: that file is never made, a new key would prove nothing of before.

    Raises:
        CannotOpen: the file is damaged, or missing and not to be made.
    """
    if name == "jwt" and settings.jwt_secret is not None:
        return settings.jwt_secret.get_secret_value().encode()
    path = _path_of(settings, name)
    if path == settings.audit_key_file:
        return _read_audit_key(path)
    if not path.exists():
        if settings.secrets is not None:
            raise CannotOpen(_missing(settings.secrets, name))
        make_secret(path)
    return _read(path)


def make_secret(path: Path) -> None:
    """Make a new one; of several processes at once the first one's stays."""
    _make(path, secrets.token_bytes(_KEY_BYTES))


def with_given_secrets(settings: Settings) -> Settings:
    """The settings of a service: secrets are given, wherever they are, and never made."""
    return settings.model_copy(update={"secrets": secrets_folder(settings)})


def has_secret(settings: Settings, name: str) -> bool:
    """Whether the secret was made, or put there."""
    return _path_of(settings, name).exists()


def keep_secret(settings: Settings, name: str, secret: bytes) -> None:
    """Keep this as a secret from now on; of several processes at once the first one's stays."""
    _make(_path_of(settings, name), secret)


def event_keys(settings: Settings) -> Mapping[str, bytes]:
    """The keys that belong to the events: a backup has to hold them too.

    The audit key is among them as long as it lies beside the events: kept elsewhere it stays there.

    Raises:
        CannotOpen: a file is damaged.
    """
    names = _EVENT_KEYS if settings.audit_key_file else (*_EVENT_KEYS, "audit")
    paths = {name: _path_of(settings, name) for name in names}
    return {name: _read(path) for name, path in paths.items() if path.exists()}


def keep_event_keys(settings: Settings, keys: Mapping[str, bytes]) -> None:
    """Use these keys from now on, with the events that they came with."""
    if "chained" not in keys:
        # It was said of the events that were here before.
        _path_of(settings, "chained").unlink(missing_ok=True)
    for name, key in keys.items():
        path = secrets_folder(settings) / name
        _write(path, key).replace(path)


def secrets_folder(settings: Settings) -> Path:
    """Where the secrets are, or will be."""
    return settings.secrets or settings.data / "secrets"


def _missing(folder: Path, name: str) -> str:
    return (
        f"There is no secret {name!r} in {folder}. Put the shop's secrets there; for a new shop "
        f"make them: orderlog secrets make {folder}"
    )


def _path_of(settings: Settings, name: str) -> Path:
    if name == "audit" and settings.audit_key_file is not None:
        return settings.audit_key_file
    return secrets_folder(settings) / name


def _read_audit_key(path: Path) -> bytes:
    if not path.is_file():
        raise CannotOpen(
            f"There is no audit key in {path}. Put it back from where it is kept; "
            f"for a new shop make one: openssl rand -hex 32 > {path}"
        )
    key = _read(path)
    if len(key) < _KEY_BYTES:
        raise CannotOpen(f"The audit key in {path} needs {_KEY_BYTES} bytes in hex.")
    return key


def _read(path: Path) -> bytes:
    try:
        secret = bytes.fromhex(path.read_text())
    except ValueError:
        secret = b""
    if not secret:
        raise CannotOpen(f"The secret in {path} is damaged; take it from a backup.")
    return secret


def _make(path: Path, secret: bytes) -> None:
    """Write it whole or not at all; of several processes at once the first one's stays."""
    temporary = _write(path, secret)
    with contextlib.suppress(FileExistsError):
        path.hardlink_to(temporary)
    temporary.unlink()


def _write(path: Path, secret: bytes) -> Path:
    """Write it to a file of another name, to become this one."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secret.hex())
        file.flush()
        os.fsync(file.fileno())
    return temporary

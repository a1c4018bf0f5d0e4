"""Settings and secrets: checked without asking any server."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from api.cli.application import CannotOpen
from api.cli.doctor import Finding
from bootstrap.needs import missing_of_services
from bootstrap.secrets_folder import COMMANDS, TOKENS
from bootstrap.settings import Settings, has_secret, secret_of, secrets_folder

_OTHERS = 0o077


def check_settings(settings: Settings) -> Sequence[Finding]:
    """Whether the settings go together: those of one process, or those of services."""
    if settings.kafka is None:
        where = f"one process, data in {settings.data.absolute()}"
        return [Finding("settings", "ok", where)]
    missing = missing_of_services(settings)
    if missing:
        found = f"ORDERLOG_KAFKA is set, and {', '.join(missing)} not: services need all of them"
        return [Finding("settings", "failed", found, "Set them, or take ORDERLOG_KAFKA away.")]
    return [Finding("settings", "ok", f"services, with Kafka at {settings.kafka}")]


def check_secrets(settings: Settings) -> Sequence[Finding]:
    """Whether all secrets are there, whole, and for their owner only."""
    folder = secrets_folder(settings)
    names = [*TOKENS, *COMMANDS]
    if settings.jwt_secret is not None:
        names.remove("jwt")
    missing = [name for name in names if not has_secret(settings, name)]
    if missing:
        return [
            Finding(
                "secrets",
                "failed",
                f"{', '.join(missing)} missing in {folder}",
                f"Put back those of the shop; for a new shop: orderlog secrets make {folder}",
            )
        ]
    findings = [it for name in names for it in _check_secret(settings, folder, name)]
    return findings or [Finding("secrets", "ok", f"all are in {folder}")]


def _check_secret(settings: Settings, folder: Path, name: str) -> Sequence[Finding]:
    try:
        secret_of(settings, name)
    except (CannotOpen, OSError) as error:
        advice = "Take it from a copy, readable by whoever runs the processes."
        return [Finding("secrets", "failed", str(error), advice)]
    path = folder / name
    if path.exists() and path.stat().st_mode & _OTHERS:
        return [Finding("secrets", "warning", f"others may read {path}", f"chmod 600 {path}")]
    return ()

"""Folders of secrets: made for a new shop, and required by services."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from api.cli.application import CannotOpen
from api.cli.secrets import SecretsMade
from bootstrap.audit_key import state_that_all_are_hashed
from bootstrap.settings import Settings, has_secret, make_secret, secret_of

TOKENS = ("jwt",)
"""Secrets of whoever reads tokens."""
COMMANDS = ("addresses", "audit", "fingerprints")
"""Secrets of whoever appends events."""
_ALL = (*TOKENS, *COMMANDS)


def make_secrets(settings: Settings, folder: Path) -> SecretsMade:
    """Make what is missing in the folder.

    Where nothing was there a shop begins, and it is kept beside the keys that each of its events
    must have a hash: services can't say so later, as the folder is not theirs to write.

    Raises:
        CannotOpen: a secret that is there is damaged, or the audit key is not where the settings
            say.
    """
    given = settings.model_copy(update={"secrets": folder})
    kept = [name for name in _ALL if has_secret(given, name)]
    elsewhere = set[str]() if settings.audit_key_file is None else {"audit"}
    for name in {*kept, *elsewhere}:
        secret_of(given, name)
    made = [name for name in _ALL if name not in kept and name not in elsewhere]
    for name in made:
        make_secret(folder / name)
    if not set(kept) - elsewhere:
        state_that_all_are_hashed(given)
        made.append("chained")
    return SecretsMade(made, kept)


def require_secrets(settings: Settings, names: Collection[str]) -> None:
    """Return when all these secrets are there.

    Raises:
        CannotOpen: one is missing or damaged.
    """
    for name in names:
        try:
            secret_of(settings, name)
        except PermissionError as error:
            raise CannotOpen(
                f"The secret in {error.filename} can't be read: it must be readable by the user "
                "that this process runs as."
            ) from error

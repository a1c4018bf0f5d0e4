"""Hashes passwords with argon2id, off the event loop."""

from __future__ import annotations

import asyncio
import secrets
import unicodedata
from base64 import b64encode

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError


class Passwords:
    """Makes and verifies hashes, so many at once that neither processor nor memory gives out."""

    def __init__(self, hasher: PasswordHasher | None = None, *, at_once: int = 2) -> None:
        """Use these parameters (None: those of RFC 9106 for little memory: 64 MiB)."""
        self._hasher = hasher or PasswordHasher()
        self._turns = asyncio.Semaphore(at_once)
        self._nobodys = _hash_of_nothing(self._hasher)

    async def hash(self, password: str) -> str:
        """The hash to keep."""
        async with self._turns:
            return await asyncio.to_thread(self._hasher.hash, _bytes(password))

    async def verify(self, password_hash: str, password: str) -> bool:
        """Whether the password is the one of the hash.

        An empty hash is nobody's password, and finding that out takes as long as any other.
        """
        async with self._turns:
            return await asyncio.to_thread(
                self._matches, password_hash or self._nobodys, _bytes(password)
            )

    def _matches(self, password_hash: str, password: bytes) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False


def _bytes(password: str) -> bytes:
    # Keyboards differ in how they compose the same letter.
    return unicodedata.normalize("NFC", password).encode()


def _hash_of_nothing(hasher: PasswordHasher) -> str:
    salt, digest = (
        b64encode(secrets.token_bytes(size)).decode().rstrip("=")
        for size in (hasher.salt_len, hasher.hash_len)
    )
    costs = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2id$v=19${costs}${salt}${digest}"

"""Persistent subscriptions as the file keeps them: names and settings, nothing is delivered."""

from __future__ import annotations

import sqlite3

from event_store.errors import EventStoreError
from event_store.sqlite.writer import Transaction


class GroupExists(EventStoreError):
    """There is such a persistent subscription already."""


class GroupMissing(EventStoreError):
    """There is no such persistent subscription."""


def create(transaction: Transaction, stream: str, group: str, options: bytes) -> None:
    """Keep a new one.

    Raises:
        GroupExists: there is one of this name.
    """
    added = transaction.connection.execute(
        "INSERT INTO persistent_subscriptions (stream, name, options) VALUES (?, ?, ?) "
        "ON CONFLICT DO NOTHING",
        (stream, group, options),
    )
    if not added.rowcount:
        raise GroupExists(f"Subscription group {group} on stream {stream} exists.")


def update(transaction: Transaction, stream: str, group: str, options: bytes) -> None:
    """Change what one is set to.

    Raises:
        GroupMissing: there is none of this name.
    """
    changed = transaction.connection.execute(
        "UPDATE persistent_subscriptions SET options = ? WHERE stream = ? AND name = ?",
        (options, stream, group),
    )
    _found(changed, stream, group)


def delete(transaction: Transaction, stream: str, group: str) -> None:
    """Forget one.

    Raises:
        GroupMissing: there is none of this name.
    """
    deleted = transaction.connection.execute(
        "DELETE FROM persistent_subscriptions WHERE stream = ? AND name = ?", (stream, group)
    )
    _found(deleted, stream, group)


def _found(changed: sqlite3.Cursor, stream: str, group: str) -> None:
    if not changed.rowcount:
        raise GroupMissing(f"Subscription group {group} on stream {stream} does not exist.")

"""The read store on SQLite: a folder of files, one catalogue and one file per generation."""

from read_side.sqlite.store import SqliteReadStore

__all__ = ["SqliteReadStore"]

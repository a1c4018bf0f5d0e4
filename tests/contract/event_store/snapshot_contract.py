"""Snapshots: the newest of each stream."""

from __future__ import annotations

from event_store.port import Snapshot
from tests.contract.event_store.support import unique


class SnapshotContract:
    async def test_no_snapshot_at_first(self, store):
        assert await store.load_snapshot(unique()) is None

    async def test_saved_snapshot_is_loaded(self, store):
        snapshot = Snapshot(unique(), 99, "f1", b"\x00state\xff")
        await store.save_snapshot(snapshot)
        await store.save_snapshot(Snapshot(unique(), 5, "f1", b"another stream"))
        assert await store.load_snapshot(snapshot.stream) == snapshot

    async def test_newer_replaces_older(self, store):
        stream = unique()
        await store.save_snapshot(Snapshot(stream, 99, "f1", b"old"))
        newer = Snapshot(stream, 199, "f2", b"new")
        await store.save_snapshot(newer)
        assert await store.load_snapshot(stream) == newer

    async def test_older_does_not_replace_newer(self, store):
        newer = Snapshot(unique(), 199, "f1", b"new")
        await store.save_snapshot(newer)
        await store.save_snapshot(Snapshot(newer.stream, 99, "f1", b"late"))
        assert await store.load_snapshot(newer.stream) == newer

    async def test_other_fingerprint_replaces_at_the_same_version(self, store):
        stream = unique()
        await store.save_snapshot(Snapshot(stream, 99, "f1", b"old"))
        other = Snapshot(stream, 99, "f2", b"other state type")
        await store.save_snapshot(other)
        assert await store.load_snapshot(stream) == other

    async def test_snapshot_survives_a_restart(self, store, backend):
        snapshot = Snapshot(unique(), 99, "f1", b"state")
        await store.save_snapshot(snapshot)
        assert await (await backend.restart()).load_snapshot(snapshot.stream) == snapshot

"""Several processes on one file, and processes that are killed."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections import defaultdict
from contextlib import closing
from pathlib import Path

from event_store.backup import backup
from event_store.sqlite import SqliteEventStore
from tests.contract.event_store.support import event, follow, page_through, versions
from tests.integration.event_store.appending_process import SHARED, TASKS

ROOT = Path(__file__).parents[3]
KILLS = 20


async def start(path: Path, name: str, *count: str) -> asyncio.subprocess.Process:
    module = "tests.integration.event_store.appending_process"
    arguments = ("-m", module, str(path), name, *count)
    return await asyncio.create_subprocess_exec(
        sys.executable, *arguments, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )


async def acknowledgements(process: asyncio.subprocess.Process) -> dict[str, list[str]]:
    """What the process printed until its end."""
    found = defaultdict(list)
    async for line in process.stdout:
        stream, ids = line.decode().split()
        found[stream] += ids.split(",")
    await process.wait()
    return found


def whole(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"


async def test_every_acknowledged_event_survives_20_kills(path):
    acknowledged: dict[str, list[str]] = defaultdict(list)
    for kill in range(KILLS):
        process = await start(path, str(kill))
        assert await process.stdout.readline() == b"ready\n"
        # Another moment each time: between acknowledgements, commits and checkpoints of the log.
        for _ in range(1 + 37 * kill):
            line = await process.stdout.readline()
            stream, ids = line.decode().split()
            acknowledged[stream] += ids.split(",")
        process.kill()
        for stream, ids in (await acknowledgements(process)).items():
            acknowledged[stream] += ids
    whole(path)
    store = await SqliteEventStore.open(path)
    recorded = await page_through(store, after=None, limit=500)
    await store.close()
    assert [int(entry.position) for entry in recorded] == list(range(1, len(recorded) + 1))
    stored: dict[str, list] = defaultdict(list)
    for entry in recorded:
        stored[entry.stream].append(entry)
    assert len(acknowledged) > KILLS
    for stream, ids in acknowledged.items():
        assert versions(stored[stream]) == list(range(len(stored[stream])))
        kept = [str(entry.id) for entry in stored[stream]]
        missing = set(ids) - set(kept)
        assert not missing
        # Each process appended to its own streams in order; what was in flight comes last.
        if stream != SHARED:
            assert kept[: len(ids)] == ids


async def test_backup_after_a_kill_holds_what_was_acknowledged(path, tmp_path):
    process = await start(path, "killed")
    await process.stdout.readline()
    stream, ids = (await process.stdout.readline()).decode().split()
    process.kill()
    await acknowledgements(process)
    backup(path, tmp_path / "backup.db")
    copy = await SqliteEventStore.open(tmp_path / "backup.db")
    kept = [str(entry.id) for entry in await copy.read_stream(stream)]
    await copy.close()
    assert kept[: len(ids.split(","))] == ids.split(",")


async def test_processes_write_in_turns_and_another_one_follows(path, store):
    count = 180
    total = 3 * (TASKS * count * 2 + count)
    follower = asyncio.ensure_future(follow(store, total, batch=50))
    processes = [await start(path, str(number), str(count)) for number in range(3)]
    for process in processes:
        assert await process.stdout.readline() == b"ready\n"
    acknowledged: dict[str, list[str]] = defaultdict(list)
    for found in await asyncio.gather(*(acknowledgements(process) for process in processes)):
        for stream, ids in found.items():
            acknowledged[stream] += ids
    assert [process.returncode for process in processes] == [0, 0, 0]
    seen = await asyncio.wait_for(follower, timeout=20)
    assert [int(entry.position) for entry in seen] == list(range(1, total + 1))
    assert sorted(str(entry.id) for entry in seen) == sorted(
        id_ for ids in acknowledged.values() for id_ in ids
    )
    assert len(await store.read_stream(SHARED)) == 3 * count
    assert len({entry.stream.split("-")[1] for entry in seen[: total // 2]}) == 4
    times = [entry.recorded_at for entry in seen]
    assert times == sorted(times)


async def test_processes_create_one_file_at_once(path):
    processes = await asyncio.gather(*(start(path, str(n), "1") for n in range(4)))
    await asyncio.gather(*(process.communicate() for process in processes))
    assert [process.returncode for process in processes] == [0, 0, 0, 0]
    store = await SqliteEventStore.open(path)
    assert len(await store.read_stream(SHARED)) == 4
    await store.append(SHARED, [event()], expected=3)
    await store.close()

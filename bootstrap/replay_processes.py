"""Replays in several processes, each a share; `bootstrap.replay_share` is what they run.

What a process has to know is written to it, never shown in its arguments. That pipe stays open for
as long as this process lives; the other ends when it closes, however this one has died.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence

import msgspec

from bootstrap.settings import Settings
from event_store.shares import MOST, Share
from projections.replay import Done, InShares, Replay, ShareFailed

_COMMAND = (sys.executable, "-m", "bootstrap.replay_share")
_LINE_BYTES = 1 << 20


class Told(msgspec.Struct, omit_defaults=True):
    """A line that a process says of its share."""

    done: int = 0
    """So many more events."""
    finished: bool = False
    error: str | None = None


def cores() -> int:
    """How many processes the machine runs at once, as far as it lets this one."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_processes(
    settings: Settings, processes: int, command: Sequence[str] = _COMMAND
) -> InShares | None:
    """What replays in so many processes, on the stores of the settings; None: in this one."""
    number = min(processes, MOST)
    if number < 2:
        return None

    async def run(replay: Replay, done: Done) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for one in range(number):
                    share = Share(one, number)
                    group.create_task(_replayed(command, (settings, replay, share), done))
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None

    return run


async def _replayed(
    command: Sequence[str], task: tuple[Settings, Replay, Share], done: Done
) -> None:
    """Return when a process has replayed its share; it does not live longer than this."""
    share = task[2]
    name = f"process {share.number + 1} of {share.of}"
    try:
        # In a session of its own: Ctrl-C is for this process, which then ends the other one.
        process = await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=PIPE, limit=_LINE_BYTES, start_new_session=True
        )
    except OSError as error:
        raise ShareFailed(f"{name} could not be started: {error}") from error
    try:
        why = await _why_it_failed(process, pickle.dumps(task), done)
    finally:
        if process.returncode is None:
            process.kill()  # It has told that all is done, or what it wrote is dropped.
        await process.wait()
    if why is not None:
        raise ShareFailed(f"{name} that replay the events {why}")


async def _why_it_failed(process: Process, task: bytes, done: Done) -> str | None:
    assert process.stdin is not None  # noqa: S101 for the type checker
    assert process.stdout is not None  # noqa: S101 for the type checker
    process.stdin.write(task)
    async for line in process.stdout:
        told = msgspec.json.decode(line, type=Told)
        if told.error is not None:
            return f"failed: {told.error}"
        if told.finished:
            return None
        done(told.done)
    return f"ended too soon, {_how(await process.wait())}"


def _how(code: int) -> str:
    if code >= 0:
        return f"with exit code {code}"
    try:
        return f"by {signal.Signals(-code).name}"
    except ValueError:
        return f"by signal {-code}"

import asyncio
from functools import partial

import pytest

from api.cli.history.crew import Crew


async def test_at_most_so_many_work_at_a_time() -> None:
    running = most = 0

    async def work() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1

    async with Crew(3) as crew:
        for number in range(20):
            await crew.start(str(number), work)
    assert (running, most) == (0, 3)


async def test_work_of_one_name_is_done_in_the_order_given() -> None:
    done: list[tuple[str, int]] = []

    async def work(name: str, number: int) -> None:
        for _ in range(5 - number):
            await asyncio.sleep(0)
        done.append((name, number))

    async with Crew(8) as crew:
        for number in range(4):
            for name in "ab":
                await crew.start(name, partial(work, name, number))
    for name in "ab":
        assert [it for it in done if it[0] == name] == [(name, number) for number in range(4)]


async def test_the_first_error_ends_all_and_is_raised_as_it_is() -> None:
    ended = False

    async def wait() -> None:
        nonlocal ended
        try:
            await asyncio.Event().wait()
        finally:
            ended = True

    async def fail() -> None:
        raise LookupError("gone")

    async def all_of_them() -> None:
        async with Crew(2) as crew:
            await crew.start("a", wait)
            await crew.start("b", fail)
            await crew.start("c", wait)
            await crew.start("d", wait)

    with pytest.raises(LookupError, match="gone"):
        await all_of_them()
    assert ended

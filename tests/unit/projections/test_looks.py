"""However many wait, one look at a time is made, and each sees what was there when it asked."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import pytest

from projections.looks import Looks


class Place:
    """What is looked at; a look takes as long as it is told to."""

    def __init__(self) -> None:
        self.documents: set[str] = set()
        self.looks: list[frozenset[str]] = []
        self.begun, self.go_on = asyncio.Event(), asyncio.Event()

    async def look(self, keys: Collection[str]) -> frozenset[str]:
        self.looks.append(frozenset(keys))
        found = self.documents & set(keys)
        self.begun.set()
        await self.go_on.wait()
        return frozenset(found)


async def begun(looks: Looks, place: Place, key: str | None) -> asyncio.Task:
    task = asyncio.create_task(looks.at(key))
    await place.begun.wait()
    place.begun.clear()
    return task


async def test_looks_when_many_ask_during_one_then_one_more_serves_them_all():
    place = Place()
    looks = Looks(place.look)
    first = await begun(looks, place, "a")
    place.documents |= {"a", "b", "c"}
    others = [asyncio.create_task(looks.at(key)) for key in ("a", "b", "c", None)]
    await asyncio.sleep(0)
    place.go_on.set()
    assert await first == frozenset()
    assert await asyncio.gather(*others) == [frozenset("abc")] * 4
    assert place.looks == [frozenset("a"), frozenset("abc")]


async def test_looks_when_one_gives_up_then_the_others_still_get_their_answer():
    place = Place()
    looks = Looks(place.look)
    first = await begun(looks, place, "a")
    given_up, other = (asyncio.create_task(looks.at("b")) for _ in range(2))
    await asyncio.sleep(0)
    for one in (first, given_up):
        one.cancel()
    place.go_on.set()
    assert await other == frozenset()
    assert first.cancelled()
    assert given_up.cancelled()


async def test_looks_when_one_fails_then_those_who_asked_are_told_and_the_next_is_made():
    failing = [OSError("down"), None]

    async def look(_: Collection[str]) -> str:
        if error := failing.pop(0):
            raise error
        return "seen"

    looks = Looks(look)
    asked = [asyncio.create_task(looks.at(key)) for key in "ab"]
    for one in asked:
        with pytest.raises(OSError, match="down"):
            await one
    assert await looks.at("a") == "seen"

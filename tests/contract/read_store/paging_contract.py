"""Pages and cursors: nothing twice, nothing left out, and nothing but our own cursors."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.documents import ORDER_DETAILS
from read_side.port import AnyOf, Between, InvalidCursor, Matches, Put, Search, WriteBatch
from tests.contract.read_store.support import (
    CUSTOMERS,
    ORDERS,
    customer,
    fill,
    found,
    later,
    new,
    order,
    pages,
)

SORTS = [
    None,
    *(
        f"{sign}{field}"
        for field in ("id", "created_at", "status", "total_amount.minor", "external_reference")
        for sign in ("", "-")
    ),
]


def sample(number: int) -> dict:
    """Orders with ties in every sort field, and with fields that are not there."""
    return order(
        f"o{number:02}",
        customer=f"c{number % 2}",
        status=("created", "confirmed", "shipped")[number % 3],
        total=None if number % 4 == 0 else (number % 3) * 100,
        at=later(number // 3),
        reference=None if number % 5 else f"R{number}",
    )


def forged(*parts: object) -> str:
    text = json.dumps(parts, ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode("utf-8", "surrogatepass")).decode().rstrip("=")


def digest_of(cursor: str) -> str:
    return json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))[0]


class PagingContract:
    @pytest.mark.parametrize("sort", SORTS)
    async def test_pages_join_to_the_whole(self, store, orders, sort, subtests):
        await fill(store, orders, *(sample(number) for number in range(13)))
        whole = await found(store, sort=sort, limit=10_000)
        assert sorted(whole) == [f"o{number:02}" for number in range(13)]
        for limit in (1, 2, 5, 13):
            with subtests.test(limit=limit):
                joined = await pages(store, Search(sort=sort, limit=limit))
                assert [key for page in joined for key in page] == whole
                assert [len(page) for page in joined[:-1]] == [limit] * (len(joined) - 1)
                assert joined[-1]

    @pytest.mark.parametrize("limit", [1, 2])
    @pytest.mark.parametrize("sort", SORTS)
    async def test_all_that_was_there_comes_once_while_others_come(
        self, store, orders, sort, limit
    ):
        there = [sample(number) for number in range(0, 20, 2)]
        await fill(store, orders, *there)
        seen: list[str] = []
        cursor, number = None, 1
        while True:
            page = await store.search(ORDERS, Search((), sort, limit, cursor))
            seen += [document["id"] for document in page.documents]
            cursor = page.next_cursor
            if cursor is None:
                break
            if number < 20:
                await fill(store, orders, sample(number))
                number += 2
        assert len(seen) == len(set(seen))
        assert {document["id"] for document in there} <= set(seen)

    async def test_document_that_changed_elsewhere_is_not_seen_twice(self, store, orders):
        await fill(store, orders, *(sample(number) for number in range(6)))
        search = Search(sort="created_at", limit=2)
        first = await store.search(ORDERS, search)
        changed = {**sample(0), "status": "cancelled"}
        at = (await store.load(orders, ["o00"]))["o00"].revision
        await store.write(orders, WriteBatch([Put("o00", changed, {}, at)]))
        await store.refresh(ORDERS)
        rest = await pages_after(store, search, first.next_cursor)
        assert rest == ["o02", "o03", "o04", "o05"]

    async def test_pages_of_a_filtered_search(self, store, orders):
        await fill(store, orders, *(sample(number) for number in range(13)))
        conditions = (AnyOf("customer_id", ("c1",)), Matches("ada"), Between("created_at", "2026"))
        joined = await pages(store, Search(conditions, "-total_amount.minor", 2))
        whole = await found(store, *conditions, sort="-total_amount.minor")
        assert [key for page in joined for key in page] == whole
        assert len(whole) == 6

    async def test_empty_search_is_one_empty_page(self, store, orders):
        assert await pages(store, Search()) == [[]]

    async def test_page_that_ends_with_the_last_document_is_the_last(self, store, orders):
        await fill(store, orders, sample(1), sample(2))
        assert await pages(store, Search(limit=2)) == [["o01", "o02"]]

    async def test_page_size_may_change_on_the_way(self, store, orders):
        await fill(store, orders, *(sample(number) for number in range(6)))
        first = await store.search(ORDERS, Search(limit=2))
        page = await store.search(ORDERS, Search(limit=3, cursor=first.next_cursor))
        assert [document["id"] for document in page.documents] == ["o02", "o03", "o04"]

    async def test_cursor_goes_on_in_the_next_generation_and_after_a_restart(
        self, backend, store, orders
    ):
        documents = [sample(number) for number in range(6)]
        await fill(store, orders, *documents)
        search = Search(sort="-created_at", limit=2)
        first = await store.search(ORDERS, search)
        second = await store.create_generation(ORDER_DETAILS, "second")
        await store.write(second, WriteBatch([new(document) for document in documents]))
        await store.activate(second)
        store = await backend.restart()
        await store.refresh(ORDERS)
        assert await pages_after(store, search, first.next_cursor) == ["o03", "o02", "o01", "o00"]


async def pages_after(store, search: Search, cursor: str | None) -> list[str]:
    keys: list[str] = []
    while cursor is not None:
        page = await store.search(
            ORDERS, Search(search.conditions, search.sort, search.limit, cursor)
        )
        keys += [document["id"] for document in page.documents]
        cursor = page.next_cursor
    return keys


class CursorContract:
    @pytest.fixture
    async def cursor(self, store, orders):
        """A good cursor of the search by `total_amount.minor`."""
        await fill(store, orders, *(sample(number) for number in range(1, 4)))
        page = await store.search(ORDERS, Search(sort="total_amount.minor", limit=1))
        assert page.next_cursor is not None
        return page.next_cursor

    async def test_cursor_goes_into_a_url_as_it_is(self, cursor):
        assert cursor.isascii()
        assert cursor.replace("-", "").replace("_", "").isalnum()

    @pytest.mark.parametrize(
        "bad",
        [
            "",
            " ",
            "=",
            "x",
            "null",
            "é",
            "\ud800",
            "\0",
            "A" * 100_000,
            forged(),
            forged(1),
            forged("digest", 1, "o01"),
            forged("digest", 2**80, "o01"),
            forged(None, None, None),
            base64.urlsafe_b64encode(b"[" * 3000).decode(),
            base64.urlsafe_b64encode(b"\xff\xfe").decode(),
            base64.urlsafe_b64encode(b"{}").decode(),
        ],
    )
    async def test_anything_else_is_invalid(self, store, orders, bad):
        with pytest.raises(InvalidCursor):
            await store.search(ORDERS, Search(cursor=bad))

    @pytest.mark.parametrize(
        "search",
        [
            Search(),
            Search(sort="-total_amount.minor"),
            Search(sort="created_at"),
            Search((AnyOf("status", ("created",)),), sort="total_amount.minor"),
            Search((Matches("ada"),), sort="total_amount.minor"),
        ],
    )
    async def test_cursor_of_another_search_is_invalid(self, store, cursor, search):
        with pytest.raises(InvalidCursor):
            await store.search(ORDERS, Search(search.conditions, search.sort, search.limit, cursor))

    async def test_cursor_bound_to_a_name_outlives_other_conditions(self, store, orders):
        await fill(store, orders, *(sample(number) for number in range(6)))
        first, second = AnyOf("status", ("created",)), Between("created_at", "2026")
        page = await store.search(ORDERS, Search((first,), limit=1, bound_to="looked up"))
        cursor = page.next_cursor
        rest = await store.search(ORDERS, Search((second,), cursor=cursor, bound_to="looked up"))
        begun = page.documents[0]["id"]
        assert [document["id"] for document in rest.documents] == [
            key for key in await found(store, second) if key > begun
        ]
        for other in ("another", "", None):
            with pytest.raises(InvalidCursor):
                await store.search(ORDERS, Search((first,), cursor=cursor, bound_to=other))

    async def test_cursor_of_another_projection_is_invalid(self, store, orders, customers):
        await fill(store, orders, sample(1), sample(2))
        await fill(store, customers, customer("a", "A", "a@x.de"), customer("b", "B", "b@x.de"))
        page = await store.search(ORDERS, Search(sort="id", limit=1))
        with pytest.raises(InvalidCursor):
            await store.search(CUSTOMERS, Search(sort="id", limit=1, cursor=page.next_cursor))

    async def test_every_changed_character_makes_it_invalid_or_another_place(self, store, cursor):
        """Never another exception, whatever is changed; and never more than a place."""
        for at in range(len(cursor)):
            for other in "A_=!\0é":
                changed = cursor[:at] + other + cursor[at + 1 :]
                if changed == cursor:
                    continue
                search = Search(sort="total_amount.minor", cursor=changed)
                try:
                    page = await store.search(ORDERS, search)
                except InvalidCursor:
                    continue
                assert len(page.documents) <= 3

    async def test_place_can_be_copied_and_must_be_of_the_right_type(self, store, cursor):
        digest = digest_of(cursor)

        async def after(value, key):
            search = Search(sort="total_amount.minor", cursor=forged(digest, value, key))
            return [one["id"] for one in (await store.search(ORDERS, search)).documents]

        assert await after(-1, "") == ["o03", "o01", "o02"]
        assert await after(2**63 - 1, "") == []
        for value, key in [(2**63, ""), (-(2**80), ""), ("100", ""), (True, ""), (1.0, ""), (1, 2)]:
            with pytest.raises(InvalidCursor):
                await after(value, key)
        for key in ("\ud800", None):
            with pytest.raises(InvalidCursor):
                await after(1, key)

    @settings(
        max_examples=100,
        deadline=None,
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,
            HealthCheck.differing_executors,  # Each adapter's suite is one.
        ],
    )
    @given(
        value=st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False)
        | st.text(max_size=5)
        | st.lists(st.integers(), max_size=2),
        key=st.text(st.characters(codec=None), max_size=5) | st.integers() | st.none(),
    )
    async def test_forged_place_is_invalid_or_a_place(self, store, cursor, value, key):
        """The digest can be copied from a real cursor; what stands beside it can be anything."""
        forgery = forged(digest_of(cursor), value, key)
        search = Search(sort="total_amount.minor", cursor=forgery)
        try:
            page = await store.search(ORDERS, search)
        except InvalidCursor:
            return
        assert len(page.documents) <= 3

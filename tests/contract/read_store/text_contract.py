"""Full text: words, prefixes, accents, and whatever people type."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from read_side.port import AnyOf, Matches, Put, WriteBatch
from tests.contract.read_store.support import CUSTOMERS, customer, fill, found, line, order

PEOPLE = [
    customer("ada", "Ada Lovelace", "ada@example.com"),
    customer("zoe", "Zoë Brontë-O'Hara", "z.bronte@mail.example.org"),
    customer("jan", "Ján Černý", "cerny+shop@example.com"),
    customer("tea", 'NEAR "AND" OR', "not@example.com"),
    customer("umi", "海 太郎", "umi@例え.jp"),
]
EVERYONE = ["ada", "jan", "tea", "umi", "zoe"]


async def matching(store, text):
    return await found(store, Matches(text), projection=CUSTOMERS)


@pytest.mark.usefixtures("people")
class TextContract:
    @pytest.fixture
    async def people(self, store, customers):
        await fill(store, customers, *PEOPLE)

    async def test_words_match_by_their_start(self, store, subtests):
        cases = [
            ("ada", ["ada"]),
            ("ADA", ["ada"]),
            ("lov", ["ada"]),
            ("lovelace ada", ["ada"]),
            ("ovelace", []),
            ("ada nobody", []),
            ("zoe", ["zoe"]),
            ("ZOË bronte", ["zoe"]),
            ("Zoe\u0308", ["zoe"]),
            ("cerny", ["jan"]),
            ("čern", ["jan"]),
            ("o'ha", ["zoe"]),
            ("bronte-o", ["zoe"]),
            ("海", ["umi"]),
            ("umi@例", ["umi"]),
        ]
        for text, expected in cases:
            with subtests.test(case=text):
                assert await matching(store, text) == expected

    async def test_email_is_found_by_its_start(self, store, subtests):
        cases = [
            ("ada@", ["ada"]),
            ("ada@exa", ["ada"]),
            ("ada@example.com", ["ada"]),
            ("Ada@Example.COM", ["ada"]),
            ("example.com", ["ada", "jan", "tea"]),
            ("cerny+sh", ["jan"]),
            ("z.bro", ["zoe"]),
            ("com@ada", []),
            ("ada.example@com.more", []),
        ]
        for text, expected in cases:
            with subtests.test(case=text):
                assert await matching(store, text) == expected

    async def test_text_without_words_restricts_nothing(self, store, subtests):
        cases = ["", "   ", "\n\t", "!?", '"', "''", "***", "😀", "\0", "()-:^"]
        for text in cases:
            with subtests.test(case=text):
                assert await matching(store, text) == EVERYONE

    async def test_hostile_text_is_only_text(self, store, subtests):
        cases = [
            ('"ada"', ["ada"]),
            ('ada"', ["ada"]),
            ("ada*", ["ada"]),
            ("ada OR zoe", []),
            ("ada NOT zoe", []),
            ("near and or", ["tea"]),
            ("NEAR(ada zoe)", []),
            ("name:ada", []),
            ("t0:ada", []),
            ("-ada", ["ada"]),
            ("^ada", ["ada"]),
            ("(ada", ["ada"]),
            ("ada\0", ["ada"]),
            ("ada 😀", ["ada"]),
            ("\ud800 ada", ["ada"]),
            ("ada'; DROP TABLE documents; --", []),
            ("\\ada", ["ada"]),
            ("{ada} [lovelace]", ["ada"]),
            ("ada " * 5000, ["ada"]),
            (" ".join(f"word{n}" for n in range(5000)), []),
            ("a" * 100_000, []),
        ]
        for text, expected in cases:
            with subtests.test(case=text):
                assert await matching(store, text) == expected

    async def test_first_fifty_words_count(self, store, customers):
        words = [f"word{n}" for n in range(50)]
        await fill(store, customers, customer("long", " ".join(words), "long@example.com"))
        assert await matching(store, " ".join([*words, "missing"])) == ["long"]
        assert await matching(store, " ".join([*words[:49], "missing"])) == []

    async def test_text_joins_with_other_conditions(self, store):
        both = (Matches("example"), AnyOf("id", ("ada", "zoe", "umi")))
        assert await found(store, *both, projection=CUSTOMERS) == ["ada", "zoe"]

    async def test_changed_text_is_found_by_its_new_words_only(self, store, customers):
        stored = (await store.load(customers, ["ada"]))["ada"]
        renamed = customer("ada", "Ada Byron", "ada@example.com")
        await store.write(customers, WriteBatch([Put("ada", renamed, {}, stored.revision)]))
        await store.refresh(CUSTOMERS)
        assert await matching(store, "lovelace") == []
        assert await matching(store, "ada byron") == ["ada"]

    async def test_words_of_a_list_are_found(self, store, orders):
        lines = [line("p1", name="Crème Brûlée"), line("p2", name="Chai")]
        await fill(store, orders, order("o1", items=lines), order("o2", city="Brunn"))
        assert await found(store, Matches("brulee")) == ["o1"]
        assert await found(store, Matches("chai creme")) == ["o1"]
        assert await found(store, Matches("bru")) == ["o1", "o2"]
        assert await found(store, Matches("chai london")) == ["o1"]

    @settings(
        max_examples=60,
        deadline=None,
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,
            HealthCheck.differing_executors,  # Each adapter's suite is one.
        ],
    )
    @given(text=st.text(st.characters(codec=None), max_size=40))
    async def test_any_text_has_an_answer(self, store, text):
        assert set(await matching(store, text)) <= set(EVERYONE)

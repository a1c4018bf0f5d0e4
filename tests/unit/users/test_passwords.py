import asyncio
import threading

from argon2 import PasswordHasher, extract_parameters

from write_side.users.passwords import Passwords

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


async def test_hash_when_verified_then_only_its_own_password_matches():
    passwords = Passwords(QUICK)
    kept = await passwords.hash("correct horse")
    assert kept.startswith("$argon2id$")
    assert "correct" not in kept
    assert await passwords.verify(kept, "correct horse")
    assert not await passwords.verify(kept, "Correct horse")


async def test_password_when_composed_otherwise_then_it_matches():
    passwords = Passwords(QUICK)
    assert await passwords.verify(await passwords.hash("caf\u00e9 au lait"), "cafe\u0301 au lait")


async def test_no_hash_when_verified_then_it_costs_what_any_other_costs():
    seen = []

    class Watched(PasswordHasher):
        def verify(self, hash, password):  # noqa: A002
            seen.append(extract_parameters(hash))
            return super().verify(hash, password)

    passwords = Passwords(Watched(time_cost=1, memory_cost=8, parallelism=1))
    assert not await passwords.verify("", "anything")
    assert not await passwords.verify(await passwords.hash("something"), "anything")
    assert seen[0] == seen[1]


async def test_damaged_hash_when_verified_then_no_match():
    assert not await Passwords(QUICK).verify("$argon2id$nonsense", "anything")


async def test_many_hashes_when_made_then_so_many_at_once_and_never_on_the_loop():
    running, most, threads, lock = 0, 0, set(), threading.Lock()

    class Counting(PasswordHasher):
        def hash(self, password, *, salt=None):
            nonlocal running, most
            with lock:
                running += 1
                most = max(most, running)
                threads.add(threading.get_ident())
            made = super().hash(password, salt=salt)
            with lock:
                running -= 1
            return made

    passwords = Passwords(Counting(time_cost=2, memory_cost=1024, parallelism=1), at_once=2)
    await asyncio.gather(*(passwords.hash("password") for _ in range(20)))
    assert 1 <= most <= 2
    assert threading.get_ident() not in threads

"""A generation that several load at once, each documents of its own."""

from __future__ import annotations

import asyncio

from contracts.documents import ORDER_DETAILS
from read_side.port import AnyOf, Checkpoint, Put, Search, WriteBatch
from read_side.rebuild_port import LoadsShares
from tests.contract.read_store.support import ORDERS, order, parked


def batch(share, number, revision=None):
    key = f"{number}-{share}"
    status = "created" if revision is None else "confirmed"
    put = Put(key, order(key, status=status), {f"order-{key}": revision or 0}, revision)
    return WriteBatch((put,), park=(parked(f"order-bad-{key}"),) if number == 3 else ())


class ShareContract:
    async def test_shares_loaded_at_once_are_one_generation(self, backend, store):
        assert isinstance(store, LoadsShares)
        generation = await store.begin_rebuild(ORDER_DETAILS, "print", total=9, lease_seconds=60)

        async def load_share(share):
            own = await backend.open()
            async with own.load_share(generation) as load:
                for number in range(20):
                    await load.write(generation, batch(share, number))
                for number in range(20):
                    (found,) = (await load.load(generation, [f"{number}-{share}"])).values()
                    await load.write(generation, batch(share, number, found.revision))

        async with store.load_in_bulk(generation) as load:
            await asyncio.gather(*(load_share(share) for share in "ABC"))
            done = Checkpoint("all", "store-1", "42")
            await load.write(generation, WriteBatch(checkpoints=(done,)))
        assert await store.checkpoints(generation) == {"all": done}
        assert sorted(one.stream for one in await store.parked(generation)) == [
            f"order-bad-3-{share}" for share in "ABC"
        ]
        await store.activate(generation)
        confirmed = Search((AnyOf("status", ("confirmed",)),), limit=100)
        found = (await store.search(ORDERS, confirmed)).documents
        assert len({one["id"] for one in found}) == 60

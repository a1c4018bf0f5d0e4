"""How the cluster is, as far as this adapter depends on it."""

from __future__ import annotations

from dataclasses import dataclass

from read_side.elasticsearch.server import Server


@dataclass(frozen=True, slots=True)
class Cluster:
    """What the cluster says of itself.

    `status`: `green`, `yellow` (copies are missing, as they always are on a single node) or `red`
    (some documents can't be reached).
    """

    status: str
    nodes: int
    rejected: int
    """Writes that its nodes have refused since they started, because they had too many."""


async def look_at(url: str) -> Cluster:
    """Ask the cluster at these URLs.

    Raises:
        ReadStoreUnavailable: it does not answer.
        ReadStoreError: it does not let us ask.
    """
    server = Server(url)
    try:
        health = await server.read(lambda client: client.cluster.health())
        stats = await server.read(lambda client: client.nodes.stats(metric="thread_pool"))
        pools = [node["thread_pool"]["write"] for node in stats["nodes"].values()]
        rejected = sum(pool["rejected"] for pool in pools)
        return Cluster(health["status"], health["number_of_nodes"], rejected)
    finally:
        await server.close()

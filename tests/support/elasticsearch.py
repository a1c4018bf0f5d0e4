"""What tests of Elasticsearch share: namespaces of their own, and leaving nothing behind."""

from __future__ import annotations

from uuid import uuid4

from elasticsearch import AsyncElasticsearch


def new_prefix() -> str:
    return f"test-{uuid4().hex[:12]}"


async def remove_all(url: str, prefix: str) -> None:
    """Delete all indices and templates under the prefix."""
    async with AsyncElasticsearch(url) as client:
        found = await client.indices.get(index=f"{prefix}*", features=["settings"])
        if found.body:
            await client.indices.delete(index=list(found.body), ignore_unavailable=True)
        quiet = client.options(ignore_status=404)
        templates = await quiet.indices.get_index_template(name=f"{prefix}*")
        for template in templates["index_templates"]:
            await quiet.indices.delete_index_template(name=template["name"])

"""The read store on Elasticsearch: an index for each generation, found by aliases."""

from read_side.elasticsearch.store import ElasticsearchReadStore

__all__ = ["ElasticsearchReadStore"]

"""Which read store the settings name."""

from __future__ import annotations

from api.cli.application import CannotOpen
from bootstrap.settings import Settings
from read_side.port import ReadStoreError
from read_side.rebuild_port import WholeReadStore
from read_side.sqlite import SqliteReadStore

_SETTING = "ORDERLOG_READ_STORE"


async def open_read_store(settings: Settings) -> WholeReadStore:
    """Open it: files in the data folder, or what `ORDERLOG_READ_STORE` names.

    Raises:
        CannotOpen: it can't be opened; the message says why.
    """
    if settings.read_store is not None:
        return await _connect(settings.read_store.get_secret_value(), settings.index_prefix)
    try:
        settings.data.mkdir(parents=True, exist_ok=True)
        return await SqliteReadStore.open(settings.data / "read-models")
    except (OSError, ReadStoreError) as error:
        raise CannotOpen(f"The read models in {settings.data} can't be opened: {error}") from error


async def _connect(url: str, prefix: str) -> WholeReadStore:
    try:
        # Not part of every installation.
        from read_side.elasticsearch import ElasticsearchReadStore
    except ImportError as error:
        raise CannotOpen(
            "Elasticsearch needs its client: pip install '.[services]' in the clone"
        ) from error
    try:
        return await ElasticsearchReadStore.open(url, prefix=prefix)
    except (OSError, ReadStoreError) as error:
        raise CannotOpen(f"{_SETTING} can't be used: {error}") from error

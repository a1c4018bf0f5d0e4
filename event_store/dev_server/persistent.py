"""The service `PersistentSubscriptions`: they can be set up and deleted, but deliver nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

from grpc import StatusCode

from event_store.dev_server import groups
from event_store.dev_server.database import Database
from event_store.dev_server.groups import GroupExists, GroupMissing
from event_store.dev_server.messages import HasStream, stream_of
from event_store.dev_server.protocol import persistent_pb2 as protocol
from event_store.dev_server.rpc import Call
from event_store.dev_server.statuses import Refused, invalid
from event_store.sqlite.writer import Transaction

_ALL = "$all"
_STRATEGIES = ("", "DispatchToSingle", "RoundRobin", "Pinned", "PinnedByCorrelation")


class PersistentSubscriptions:
    """Keeps the settings of groups."""

    def __init__(self, database: Database) -> None:
        """Keep them in this database."""
        self._database = database

    async def create(self, request: protocol.CreateReq, call: Call) -> protocol.CreateResp:
        """Set one up."""
        options = request.options
        strategy = options.settings.consumer_strategy
        if strategy not in _STRATEGIES:
            raise Refused(StatusCode.INTERNAL, f"{strategy!r} is not a consumer strategy.")
        _check_buffers(options.settings)
        stream = _source(options, options.stream)
        await self._change(groups.create, stream, options.group_name, options.SerializeToString())
        return protocol.CreateResp()

    async def update(self, request: protocol.UpdateReq, call: Call) -> protocol.UpdateResp:
        """Change its settings."""
        options = request.options
        _check_buffers(options.settings)
        stream = _source(options, options.stream)
        await self._change(groups.update, stream, options.group_name, options.SerializeToString())
        return protocol.UpdateResp()

    async def delete(self, request: protocol.DeleteReq, call: Call) -> protocol.DeleteResp:
        """Delete it."""
        options = request.options
        await self._change(groups.delete, _source(options, options), options.group_name)
        return protocol.DeleteResp()

    async def list(self, request: protocol.ListReq, call: Call) -> protocol.ListResp:
        """None: nobody could read from them."""
        return protocol.ListResp()

    async def unsupported(self, request: object, call: Call) -> None:
        """Say what to use instead."""
        raise Refused(
            StatusCode.UNIMPLEMENTED,
            "This server for development keeps the settings of persistent subscriptions only: "
            "use EventStoreDB or KurrentDB to read from them.",
        )

    async def _change(
        self, change: Callable[..., None], stream: str, group: str, *options: bytes
    ) -> None:
        if not group:
            raise invalid("A persistent subscription needs the name of its group.")

        def work(transaction: Transaction) -> None:
            change(transaction, stream, group, *options)

        try:
            await self._database.write(work)
        except GroupExists as error:
            raise Refused(
                StatusCode.ALREADY_EXISTS, str(error), exception="persistent-subscription-exists"
            ) from error
        except GroupMissing as error:
            raise Refused(
                StatusCode.NOT_FOUND,
                str(error),
                exception="persistent-subscription-does-not-exist",
            ) from error


class _Options(HasStream, Protocol):
    def WhichOneof(self, oneof_group: Literal["stream_option"], /) -> str | None: ...  # noqa: N802


def _source(options: _Options, named: HasStream) -> str:
    """The stream that is subscribed to; older clients name it beside the other options."""
    match options.WhichOneof("stream_option"):
        case "all":
            return _ALL
        case None:
            return stream_of(options)
        case _:
            return stream_of(named)


def _check_buffers(settings: protocol.CreateReq.Settings | protocol.UpdateReq.Settings) -> None:
    if settings.read_batch_size >= settings.history_buffer_size:
        raise Refused(
            StatusCode.INTERNAL, "read_batch_size must be smaller than history_buffer_size."
        )

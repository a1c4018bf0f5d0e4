"""The service `ServerFeatures`: what the server can do, for clients that ask before they try.

The client library ships no module for its messages, so they are described here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from event_store.dev_server.rpc import Call

NAME = "event_store.client.server_features.ServerFeatures"
_PACKAGE, _, _SERVICE = NAME.rpartition(".")
_VERSION = "24.10.4"
"""Of EventStoreDB, whose protocol this is."""
_FEATURES = {
    "event_store.client.streams.streams/read": ("position", "events"),
    "event_store.client.streams.streams/batchappend": ("deadline_duration",),
    "event_store.client.persistent_subscriptions.persistentsubscriptions/create": ("stream", "all"),
    "event_store.client.persistent_subscriptions.persistentsubscriptions/update": ("stream", "all"),
    "event_store.client.persistent_subscriptions.persistentsubscriptions/delete": ("stream", "all"),
}

_Field = descriptor_pb2.FieldDescriptorProto


def _fields(message: descriptor_pb2.DescriptorProto, fields: Mapping[str, int]) -> None:
    for number, (name, label) in enumerate(fields.items(), start=1):
        message.field.add(name=name, number=number, label=label, type=_Field.TYPE_STRING)


def _messages() -> Mapping[str, type[Any]]:
    file = descriptor_pb2.FileDescriptorProto(
        name="orderlog/server_features.proto", package=_PACKAGE, syntax="proto3"
    )
    method = file.message_type.add(name="SupportedMethod")
    one, many = _Field.LABEL_OPTIONAL, _Field.LABEL_REPEATED
    _fields(method, {"method_name": one, "service_name": one, "features": many})
    methods = file.message_type.add(name="SupportedMethods")
    _fields(methods, {"methods": many, "event_store_server_version": one})
    methods.field[0].type = _Field.TYPE_MESSAGE
    methods.field[0].type_name = f".{_PACKAGE}.SupportedMethod"
    return message_factory.GetMessages([file], pool=descriptor_pool.DescriptorPool())


_MESSAGES = _messages()
SupportedMethods = _MESSAGES[f"{_PACKAGE}.SupportedMethods"]


class ServerFeatures:
    """Lists the methods of all services."""

    def __init__(self, services: Mapping[str, Mapping[str, object]]) -> None:
        """Answer with these services' methods."""
        self._answer = SupportedMethods(event_store_server_version=_VERSION)
        for service, methods in services.items():
            for method in methods:
                self._add(service.lower(), method.lower())

    def _add(self, service: str, method: str) -> None:
        features = _FEATURES.get(f"{service}/{method}", ())
        self._answer.methods.add(method_name=method, service_name=service, features=features)

    async def get_supported_methods(self, request: object, call: Call) -> Any:
        """All methods, with what each can do."""
        return self._answer

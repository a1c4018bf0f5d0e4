from __future__ import annotations

from esdbclient.protos.Grpc import shared_pb2
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

STREAMS = "event_store.client.streams.streams"


def reply_class():
    """`SupportedMethods`, of which the client has no module since it never asks."""
    package = "event_store.client.server_features_asked"
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name="asked/serverfeatures.proto", package=package, syntax="proto3"
    )
    methods = file.message_type.add(name="SupportedMethods")
    methods.field.add(
        name="methods",
        number=1,
        label=field.LABEL_REPEATED,
        type=field.TYPE_MESSAGE,
        type_name=f".{package}.SupportedMethod",
    )
    add_string(methods, "event_store_server_version", 2)
    method = file.message_type.add(name="SupportedMethod")
    add_string(method, "method_name", 1)
    add_string(method, "service_name", 2)
    add_string(method, "features", 3, label=field.LABEL_REPEATED)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    found = pool.FindMessageTypeByName(f"{package}.SupportedMethods")
    return message_factory.GetMessageClass(found)


def add_string(message, name, number, label=descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL):
    string = descriptor_pb2.FieldDescriptorProto.TYPE_STRING
    message.field.add(name=name, number=number, label=label, type=string)


async def test_1_server_features_name_the_methods_there_are(raw):
    """1: version, and names of methods and services in lower case, with their features."""
    ask = raw.channel.unary_unary(
        "/event_store.client.server_features.ServerFeatures/GetSupportedMethods",
        request_serializer=shared_pb2.Empty.SerializeToString,
        response_deserializer=reply_class().FromString,
    )

    reply = await ask(shared_pb2.Empty(), **raw.given)

    version = reply.event_store_server_version.split(".")
    assert len(version) >= 2
    assert version[0].isdecimal()
    features = {
        (method.service_name, method.method_name): set(method.features) for method in reply.methods
    }
    for method in ("read", "append", "batchappend", "delete", "tombstone"):
        assert (STREAMS, method) in features
    assert features[STREAMS, "read"] >= {"position", "events"}
    assert features[STREAMS, "batchappend"] >= {"deadline_duration"}

"""Messages of TensorFlow Serving's gRPC contract, made from the numbers and names of their fields.

They live in a pool of their own: the real ones may be in the same process.
"""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace
from typing import Any

from jkeras.core import extras

# Message → its fields as `name=number:type`; `*` repeats, `{}` is a map from texts, `?` belongs to a `oneof`.
_TENSORFLOW = {
    "TensorShapeProto.Dim": "size=1:int64 name=2:string",
    "TensorShapeProto": "dim=2:*TensorShapeProto.Dim unknown_rank=3:bool",
    "TensorProto": (
        "dtype=1:int32 tensor_shape=2:TensorShapeProto version_number=3:int32 tensor_content=4:bytes "
        "float_val=5:*float double_val=6:*double int_val=7:*int32 string_val=8:*bytes scomplex_val=9:*float "
        "int64_val=10:*int64 bool_val=11:*bool dcomplex_val=12:*double half_val=13:*int32 "
        "uint32_val=16:*uint32 uint64_val=17:*uint64"
    ),
    "TensorInfo": "name=1:?string dtype=2:int32 tensor_shape=3:TensorShapeProto",
    "SignatureDef": "inputs=1:{}TensorInfo outputs=2:{}TensorInfo method_name=3:string",
}
_SERVING = {
    "ModelSpec": (
        "name=1:string version=2:?google.protobuf.Int64Value version_label=4:?string signature_name=3:string"
    ),
    "PredictRequest": "model_spec=1:ModelSpec inputs=2:{}tensorflow.TensorProto output_filter=3:*string",
    "PredictResponse": "outputs=1:{}tensorflow.TensorProto model_spec=2:ModelSpec",
    "GetModelMetadataRequest": "model_spec=1:ModelSpec metadata_field=2:*string",
    "GetModelMetadataResponse": "model_spec=1:ModelSpec metadata=2:{}google.protobuf.Any",
    "SignatureDefMap": "signature_def=1:{}tensorflow.SignatureDef",
    "GetModelStatusRequest": "model_spec=1:ModelSpec",
    "StatusProto": "error_code=1:int32 error_message=2:string",
    "ModelVersionStatus": "version=1:int64 state=2:int32 status=3:StatusProto",
    "GetModelStatusResponse": "model_version_status=1:*ModelVersionStatus",
}
# DataType of types.proto, and where a TensorProto holds the elements.
TYPES = {
    "float32": (1, "DT_FLOAT", "float_val"),
    "float64": (2, "DT_DOUBLE", "double_val"),
    "int32": (3, "DT_INT32", "int_val"),
    "uint8": (4, "DT_UINT8", "int_val"),
    "int16": (5, "DT_INT16", "int_val"),
    "int8": (6, "DT_INT8", "int_val"),
    "int64": (9, "DT_INT64", "int64_val"),
    "bool": (10, "DT_BOOL", "bool_val"),
    "bfloat16": (14, "DT_BFLOAT16", "half_val"),
    "uint16": (17, "DT_UINT16", "int_val"),
    "float16": (19, "DT_HALF", "half_val"),
    "uint32": (22, "DT_UINT32", "uint32_val"),
    "uint64": (23, "DT_UINT64", "uint64_val"),
}
STATES = {"START": 10, "LOADING": 20, "AVAILABLE": 30, "UNLOADING": 40, "END": 50}
UNKNOWN_ERROR = 2  # of error_codes.proto


@cache
def classes() -> Any:
    """The classes of the messages, by name: `classes().PredictRequest()`.

    Raises:
        ImportError: without protobuf.
    """
    protobuf = {
        name: extras.module(f"google.protobuf.{name}", "serve", "jkeras serve")
        for name in ("any_pb2", "descriptor_pb2", "descriptor_pool", "message_factory", "wrappers_pb2")
    }
    pool: Any = protobuf["descriptor_pool"].DescriptorPool()
    for name in ("any_pb2", "wrappers_pb2"):
        pool.AddSerializedFile(protobuf[name].DESCRIPTOR.serialized_pb)
    rooms = (("tensorflow", _TENSORFLOW), ("tensorflow.serving", _SERVING))
    for package, messages in rooms:
        pool.AddSerializedFile(_file(protobuf["descriptor_pb2"], package, messages).SerializeToString())
    return SimpleNamespace(
        **{
            name: protobuf["message_factory"].GetMessageClass(pool.FindMessageTypeByName(f"{package}.{name}"))
            for package, messages in rooms
            for name in messages
            if "." not in name
        }
    )


def _file(pb: Any, package: str, messages: dict[str, str]) -> Any:
    """The description of a file with some messages."""
    file = pb.FileDescriptorProto(name=f"jkeras/{package}.proto", package=package, syntax="proto3")
    if package != "tensorflow":
        file.dependency.extend(
            ["jkeras/tensorflow.proto", "google/protobuf/any.proto", "google/protobuf/wrappers.proto"]
        )
    made: dict[str, Any] = {}
    for name in sorted(messages):  # a message before those inside of it
        outer, _, inner = name.rpartition(".")
        made[name] = (made[outer].nested_type if outer else file.message_type).add(name=inner)
        for number, field in enumerate(messages[name].split()):
            _add_field(pb, made[name], f"{package}.{name}", package, field, number)
    return file


def _add_field(pb: Any, message: Any, full: str, package: str, text: str, number: int) -> None:
    name, _, rest = text.partition("=")
    tag, _, kind = rest.partition(":")
    plain = kind.lstrip("*?{}")
    field = message.field.add(name=name, number=int(tag), label=3 if kind[0] in "*{" else 1)
    if kind[0] == "?":
        if not message.oneof_decl:
            message.oneof_decl.add(name="choice")
        field.oneof_index = 0
    if kind.startswith("{}"):  # a map is a list of messages with a key and a value
        entry = message.nested_type.add(name=name.title().replace("_", "") + "Entry")
        entry.options.map_entry = True
        _add_field(pb, entry, "", package, "key=1:string", 0)
        _add_field(pb, entry, "", package, f"value=2:{plain}", 1)
        field.type, field.type_name = pb.FieldDescriptorProto.TYPE_MESSAGE, f".{full}.{entry.name}"
    elif plain[0].isupper() or "." in plain:
        package_of = "" if plain[0].islower() else f"{package}."
        field.type, field.type_name = pb.FieldDescriptorProto.TYPE_MESSAGE, f".{package_of}{plain}"
    else:
        field.type = getattr(pb.FieldDescriptorProto, f"TYPE_{plain.upper()}")

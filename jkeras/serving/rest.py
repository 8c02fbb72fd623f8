"""TensorFlow Serving's REST contract: bodies of requests to arrays, arrays to bodies of answers."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import base64
import binascii
import itertools
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from jkeras.core import extras
from jkeras.serving.errors import shown, wrong
from jkeras.serving.signature import Arrays, Signature, TensorInfo, check_rows, from_bytes

JSON = "application/json"
# `struct` takes numbers of the right kind only and checks their range; nothing makes bytes of a list faster.
_CODES = {
    "float16": "e", "float32": "f", "float64": "d", "bfloat16": "f", "bool": "?",
    "int8": "b", "int16": "h", "int32": "i", "int64": "q",
    "uint8": "B", "uint16": "H", "uint32": "I", "uint64": "Q",
}  # fmt: skip
_KINDS: dict[type, str] = {
    type(None): "null",
    bool: "true or false",
    str: "a text",
    list: "a list (nested too deep)",
    dict: "an object",
}


@dataclass(frozen=True)
class Call:
    """A request, out of its body.

    Attributes:
        arrays: by input.
        by_row: whether it came, and is answered, row by row (`instances`), or else by column (`inputs`).
    """

    arrays: Arrays
    by_row: bool


@cache
def _orjson() -> Any:
    return extras.module("orjson", "serve", "jkeras serve")


def dumped(value: Any) -> bytes:
    """JSON of a value, arrays included; null in the place of NaN and infinity, which JSON does not have."""
    orjson = _orjson()
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS)


def call_of(body: bytes, signature: Signature, max_rows: int) -> Call:
    """The arrays of a request.

    Args:
        body: of `POST ...:predict`.
        signature: of the model.
        max_rows: the most that are allowed.

    Raises:
        Refused: it is not JSON, or not what the signature wants.
    """
    orjson = _orjson()
    try:
        request = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise wrong(f"The body is not JSON: {error}") from None
    if not isinstance(request, dict):
        raise wrong("The body should be a JSON object with `instances` or `inputs`.")
    signature.check_name(request.get("signature_name"))
    by_row = "instances" in request
    if by_row == ("inputs" in request):
        raise wrong("The body should have `instances` (row by row) or `inputs` (by name), one of them.")
    if by_row:
        columns = _columns(request["instances"], signature, max_rows)
    else:
        columns = _named(request["inputs"], signature)
    # Python counts true and false as numbers; whoever writes neither is not looked through for them.
    strict = b"true" in body or b"false" in body
    arrays = {name: _array(signature.input(name), v, max_rows, strict) for name, v in columns.items()}
    return Call(arrays, by_row)


def _is_binary(value: Any) -> bool:
    return isinstance(value, dict) and "b64" in value and value.keys() <= {"b64", "shape"}


def _named(inputs: Any, signature: Signature) -> dict[str, Any]:
    """Inputs by name; the only one needs no name."""
    if isinstance(inputs, dict) and not _is_binary(inputs):
        return inputs
    if len(signature.inputs) != 1:
        raise wrong(f"The inputs need their names; this model takes {signature.wanted()}.")
    return {info.name: inputs for info in signature.inputs}


def _columns(instances: Any, signature: Signature, max_rows: int) -> dict[str, list[Any]]:
    """Rows, each with all its inputs, as columns: each input with all its rows."""
    if not isinstance(instances, list):
        raise wrong("`instances` should be a list of rows.")
    check_rows(len(instances), max_rows)
    first = _named(instances[0], signature)
    if first is not instances[0]:
        return {name: instances for name in first}
    for number, row in enumerate(instances):
        if not isinstance(row, dict) or row.keys() != first.keys():
            raise wrong(f"Row {number} should have the inputs of row 0, {shown(list(first))}.")
    return {name: [row[name] for row in instances] for name in first}


def _array(info: TensorInfo, value: Any, max_rows: int, strict: bool) -> np.ndarray[Any, Any]:
    if _is_binary(value):
        return _decoded(info, value, (None, *info.shape[1:]))
    if isinstance(value, list) and value and _is_binary(value[0]):
        if not all(map(_is_binary, value)):
            raise wrong(f"Input {info}: all of its rows should be base64, or none.")
        rows = [_decoded(info, row, info.shape[1:]) for row in value]
        if len({row.shape for row in rows}) > 1:
            raise wrong(f"Input {info}: its rows should have one shape.")
        return np.stack(rows)
    shape, numbers = _flat(info, value, max_rows)
    is_bool = info.dtype == "bool"
    if (strict or is_bool) and not all((type(number) is bool) == is_bool for number in numbers):
        raise wrong(_unlike(info, numbers))
    try:
        content = struct.pack(f"{len(numbers)}{_CODES[info.dtype]}", *numbers)
    except (struct.error, OverflowError):
        raise wrong(_unlike(info, numbers)) from None
    packed = np.frombuffer(content, "float32" if info.dtype == "bfloat16" else info.dtype)
    return packed.astype(info.dtype, copy=False).reshape(shape)


def _flat(info: TensorInfo, value: Any, max_rows: int) -> tuple[list[int], list[Any]]:
    """The shape of nested lists, and their elements; refuses ragged ones and wrong sizes."""
    shape: list[int] = []
    level: list[Any] = [value]
    for axis in range(len(info.shape)):
        if not all(isinstance(part, list) for part in level):
            raise wrong(f"Input {info}: lists should be nested {len(info.shape)} deep; they are {axis} deep.")
        sizes = set(map(len, level))
        if len(sizes) > 1:
            raise wrong(
                f"Input {info} is ragged: lists of axis {axis} have {min(sizes)} to {max(sizes)} elements."
            )
        shape.append(sizes.pop())
        info.check_axis(axis, shape[-1])
        if axis == 0:
            check_rows(shape[0], max_rows)
        level = list(itertools.chain.from_iterable(level)) if axis else value
    return shape, level


def _unlike(info: TensorInfo, numbers: Sequence[Any]) -> str:
    """The first element that is no number of an input's dtype, in words."""
    kind = np.dtype(info.dtype).kind
    fitting = {"b": (bool,), "i": (int,), "u": (int,)}.get(kind, (int, float))
    for value in numbers:
        if not isinstance(value, fitting) or (isinstance(value, bool) and kind != "b"):
            got = _KINDS.get(type(value)) or shown(value)
            return f"Input {info} should hold {info.dtype} only; got {got}."
    return f"Input {info} holds a number that is too large for {info.dtype}."


def _decoded(info: TensorInfo, value: dict[str, Any], shape: Sequence[int | None]) -> np.ndarray[Any, Any]:
    """The array of `{"b64": bytes, "shape": optional}`."""
    if "shape" in value:
        said = value["shape"]
        if not isinstance(said, list) or not all(type(n) is int and n >= 0 for n in said):
            raise wrong(
                f"Input {info}: the `shape` of its bytes should be a list of sizes; got {shown(said)}."
            )
        shape = said
    try:
        content = base64.b64decode(value["b64"], validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise wrong(f"Input {info}: its `b64` is not base64.") from None
    return from_bytes(info, content, shape)


def answer(call: Call, outputs: Arrays) -> bytes:
    """The body of an answer, in the form of the request: `predictions` for rows, `outputs` for columns."""
    arrays = {name: _writable(array) for name, array in outputs.items()}
    if len(arrays) == 1:
        (only,) = arrays.values()
        return dumped({"predictions" if call.by_row else "outputs": only})
    if not call.by_row:
        return dumped({"outputs": arrays})
    rows = len(next(iter(arrays.values())))
    return dumped({"predictions": [{name: y[row] for name, y in arrays.items()} for row in range(rows)]})


def _writable(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """An array as the JSON writer takes it."""
    known = array if array.dtype.kind in "biuf" else array.astype(np.float32)  # bfloat16
    return np.ascontiguousarray(known)

"""`TensorProto` to arrays and back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from jkeras.serving.errors import wrong
from jkeras.serving.messages import TYPES, classes
from jkeras.serving.signature import TensorInfo, from_bytes

_NAMES = {number: name for name, (number, _, _) in TYPES.items()}


def array_of(proto: Any, info: TensorInfo, max_bytes: int) -> np.ndarray[Any, Any]:
    """The array in a `TensorProto`.

    Args:
        proto: the message.
        info: of the input; the dtype must be the same.
        max_bytes: the most that the array may take, whatever the message says.

    Raises:
        Refused: the dtype is another one, or there are not as many elements as the shape says.
    """
    dtype = _NAMES.get(proto.dtype)
    if dtype is None or dtype != info.dtype:
        raise wrong(
            f"Input {info}: the dtype should be {info.dtype}; got {dtype or f'number {proto.dtype}'}."
        )
    shape = [dim.size for dim in proto.tensor_shape.dim]
    if proto.tensor_shape.unknown_rank or any(size < 0 for size in shape):
        raise wrong(f"Input {info}: the shape of a request has no unknown sizes.")
    for axis, size in enumerate(shape[: len(info.shape)]):
        info.check_axis(axis, size)
    if proto.tensor_content:
        return from_bytes(info, proto.tensor_content, shape)
    count, values = math.prod(shape), getattr(proto, TYPES[dtype][2])
    if count * np.dtype(dtype).itemsize > max_bytes:
        raise wrong(f"Input {info}: {count} elements are more than this server takes.")
    if len(values) not in (1, count) or not count:  # one value stands for all
        raise wrong(f"Input {info}: the shape has {count} elements; got {len(values)}.")
    try:
        flat = np.array(values, np.uint16 if dtype in ("float16", "bfloat16") else dtype)
    except OverflowError:
        raise wrong(f"Input {info} holds a number that is too large for {dtype}.") from None
    typed = flat.view(np.dtype(dtype)) if flat.dtype != dtype else flat
    return np.broadcast_to(typed, (count,)).reshape(shape) if len(values) == 1 else typed.reshape(shape)


def fill(proto: Any, array: np.ndarray[Any, Any]) -> None:
    """Write an array into a `TensorProto`, element by element as TensorFlow Serving does: clients read
    `float_val`."""
    number, _, place = TYPES[array.dtype.name]
    proto.dtype = number
    fill_shape(proto.tensor_shape, array.shape)
    halves = array.dtype.name in ("float16", "bfloat16")
    getattr(proto, place).extend((array.view(np.uint16) if halves else array).ravel().tolist())


def fill_shape(proto: Any, shape: tuple[int | None, ...]) -> None:
    """Write a shape into a `TensorShapeProto`; -1 for sizes that may be any."""
    for size in shape:
        proto.dim.add(size=-1 if size is None else size)


def signature_def(info_inputs: tuple[TensorInfo, ...], info_outputs: tuple[TensorInfo, ...]) -> Any:
    """A `SignatureDef` with the inputs and outputs."""
    made = classes().SignatureDef(method_name="tensorflow/serving/predict")
    for place, infos in ((made.inputs, info_inputs), (made.outputs, info_outputs)):
        for info in infos:
            place[info.name].name, place[info.name].dtype = f"{info.name}:0", TYPES[info.dtype][0]
            fill_shape(place[info.name].tensor_shape, info.shape)
    return made

"""ONNX: by tf-keras and tf2onnx, or by jax2onnx from jax's own operators."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jkeras.core import extras
from jkeras.core.lists import unpacked
from jkeras.export.program import inference
from jkeras.export.proof import Run
from jkeras.export.signature import Endpoint, Signature
from jkeras.export.tensorflow import USER, by_keras, quiet

EXTRA = "onnx"
OPERATORS = 17  # the set of operators: runtimes since 2022 know it


def _by_keras(model: Any, signature: Signature) -> Any:
    graph = by_keras(model, signature)
    with quiet():
        tf2onnx = extras.module("tf2onnx", EXTRA, USER)
        proto, _ = tf2onnx.convert.from_function(
            graph.function, input_signature=graph.function.input_signature, opset=OPERATORS
        )
    return proto


def _by_jax(model: Any, signature: Signature) -> Any:
    values, function = inference(model)

    def run(*xs: Any) -> Any:
        return unpacked(function(values, *xs))

    shapes = [tuple(_size(n, a, d) for a, d in enumerate(e.shape)) for n, e in enumerate(signature.inputs)]
    specs = [
        jax.ShapeDtypeStruct(shape, np.dtype(e.dtype))  # pyright: ignore[reportArgumentType]
        for shape, e in zip(shapes, signature.inputs, strict=True)
    ]
    with quiet():
        jax2onnx = extras.module("jax2onnx", EXTRA, USER)
        return jax2onnx.to_onnx(
            run,
            specs,
            input_names=[e.name for e in signature.inputs],
            output_names=[e.name for e in signature.outputs],
            return_mode="proto",
        )


ROADS = {"tf-keras, tf2onnx": _by_keras, "jax2onnx": _by_jax}


def write(model: Any, signature: Signature, road: str, path: Path) -> tuple[str, ...]:
    """Write a model that `onnx.checker` finds right.

    Raises:
        ValueError: the model is larger than a file of ONNX can be.
    """
    onnx = extras.module("onnx", EXTRA, USER)
    proto = ROADS[road](model, signature)
    if proto.ByteSize() >= 2**31:
        raise ValueError(f"one file of ONNX holds 2 GiB; this model takes {proto.ByteSize() / 2**30:.1f}")
    _arrange(proto.graph.input, signature.inputs)
    _arrange(proto.graph.output, signature.outputs)
    notes = signature.notes(road=road)
    proto.producer_name, proto.producer_version = "jkeras", notes["versions"]["jkeras"]
    onnx.helper.set_model_props(proto, {"jkeras": json.dumps(notes)})
    onnx.checker.check_model(proto, full_check=True)
    path.write_bytes(proto.SerializeToString())
    return ()


def _size(number: int, axis: int, size: int | None) -> int | str:
    """A size of its own name, if it may be any."""
    return size if size is not None else "batch" if axis == 0 else f"n{number}_{axis}"


def _arrange(values: Any, ends: tuple[Endpoint, ...]) -> None:
    """Inputs or outputs in the order of the model, their sizes under names that mean something."""
    by_name = {value.name: value for value in values}
    ordered = [by_name[end.name] for end in ends]
    del values[:]
    for number, (value, end) in enumerate(zip(ordered, ends, strict=True)):
        dims = value.type.tensor_type.shape
        dims.Clear()
        for axis, size in enumerate(end.shape):
            named = _size(number, axis, size)
            dims.dim.add(**{"dim_value" if isinstance(named, int) else "dim_param": named})
        values.append(value)


def opened(path: Path, signature: Signature) -> Run:
    """A file in onnxruntime, as a function of arrays."""
    with quiet():
        runtime = extras.module("onnxruntime", EXTRA, USER)
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    session = runtime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])

    def run(xs: list[np.ndarray]) -> list[np.ndarray]:
        fed = {e.name: x for e, x in zip(signature.inputs, xs, strict=True)}
        return session.run([e.name for e in signature.outputs], fed)

    return run

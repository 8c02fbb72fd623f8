"""Models for phones: a flatbuffer that LiteRT (TFLite) runs, with floats or with weights in 8 bits."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from jkeras.core import extras
from jkeras.export import saved_model
from jkeras.export.proof import Run
from jkeras.export.signature import Signature
from jkeras.export.tensorflow import USER, quiet, tensorflow

EXTRA = "tflite"
_LOOP = b"TensorListReserve"  # what a loop collects its outputs in


def write(model: Any, signature: Signature, road: str, path: Path, small: bool = False) -> tuple[str, ...]:
    """Write a model of TFLite's own operators.

    Args:
        model: a built model.
        signature: as the file has it.
        road: to TensorFlow.
        path: of the file.
        small: whether weights are kept in 8 bits, with a scale for each (dynamic range).
    """
    tf = tensorflow()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        remarks = saved_model.write(model, signature, road, place)
        if signature.inputs[0].shape[0] is None and _LOOP in (place / "saved_model.pb").read_bytes():
            raise ValueError("TFLite takes the loops of TensorFlow for batches of a known size only")
        with quiet():
            converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=[signature.name])
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
            converter.optimizations = [tf.lite.Optimize.DEFAULT] if small else []
            content = converter.convert()
        notes = json.loads((place / "assets.extra" / "jkeras.json").read_text("utf-8"))
    path.write_bytes(_described(content, json.dumps(notes)))
    return remarks


def write_small(model: Any, signature: Signature, road: str, path: Path) -> tuple[str, ...]:
    """`write` with weights in 8 bits."""
    return write(model, signature, road, path, small=True)


def _described(content: bytes, notes: str) -> bytes:
    """The same flatbuffer with notes in its description."""
    schema = tensorflow(".lite.python.schema_py_generated")
    flatbuffers = extras.module("flatbuffers", EXTRA, USER)
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    model.description = notes
    builder = flatbuffers.Builder(len(content) + len(notes) + 1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def opened(path: Path, signature: Signature) -> Run:
    """A file in LiteRT's interpreter, as a function of arrays."""
    with quiet():
        runtime = extras.module("ai_edge_litert.interpreter", EXTRA, USER)
    interpreter = runtime.Interpreter(model_content=path.read_bytes())
    runner = interpreter.get_signature_runner(signature.name)

    def run(xs: list[np.ndarray]) -> list[np.ndarray]:
        found = runner(**{e.name: x for e, x in zip(signature.inputs, xs, strict=True)})
        return [found[e.name].copy() for e in signature.outputs]

    return run

"""TensorFlow's own formats: a SavedModel as TensorFlow Serving takes it, and a graph with its constants."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import contextlib
import errno
import json
import os
import secrets
import shutil
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import numpy as np

from jkeras.export.proof import Run
from jkeras.export.signature import Signature
from jkeras.export.tensorflow import Graph, by_jax, by_keras, quiet, tensorflow

GRAPHS = {"tf-keras": by_keras, "jax2tf": by_jax}
_INIT = "__saved_model_init_op"  # of the tables, which a model here has none of


def write(model: Any, signature: Signature, road: str, folder: Path) -> tuple[str, ...]:
    """Write `saved_model.pb` and `variables/` into a folder; what the file says of itself beside them.

    Returns:
        Remarks.
    """
    tf = tensorflow()
    graph: Graph = GRAPHS[road](model, signature)
    with quiet(), tf.device("/CPU:0"):
        tf.saved_model.save(graph.owner, str(folder), signatures={signature.name: graph.function})
    _keep_only_asked(folder / "saved_model.pb")
    extra = folder / "assets.extra"  # TensorFlow Serving's place for files of the user
    extra.mkdir()
    notes = signature.notes(road=road, tensorflow=tf.__version__)
    (extra / "jkeras.json").write_text(json.dumps(notes, indent=1) + "\n", "utf-8")
    return graph.remarks


def _keep_only_asked(path: Path) -> None:
    """Take out the signature that only TensorFlow knows: clients take the first that they find."""
    messages = tensorflow(".core.protobuf.saved_model_pb2")
    content = messages.SavedModel.FromString(path.read_bytes())
    content.meta_graphs[0].signature_def.pop(_INIT, None)
    path.write_bytes(content.SerializeToString(deterministic=True))


def opened(folder: Path, signature: Signature) -> Run:
    """The signature of a SavedModel as a function of arrays."""
    tf = tensorflow()
    with quiet(), tf.device("/CPU:0"):
        loaded = tf.saved_model.load(str(folder))
    function = loaded.signatures[signature.name]

    def run(xs: list[np.ndarray]) -> list[np.ndarray]:
        with tf.device("/CPU:0"):
            found = loaded and function(
                **{e.name: tf.constant(x) for e, x in zip(signature.inputs, xs, strict=True)}
            )
        return [found[e.name].numpy() for e in signature.outputs]

    return run


def write_frozen(model: Any, signature: Signature, road: str, path: Path) -> tuple[str, ...]:
    """Write a GraphDef whose variables are constants: inputs and outputs are operators of their names."""
    tf = tensorflow()
    frozen = tensorflow(".python.framework.convert_to_constants").convert_variables_to_constants_v2
    graph: Graph = GRAPHS[road](model, signature)
    with quiet():
        definition = frozen(graph.function.get_concrete_function()).graph.as_graph_def()
    note = definition.node.add(name="jkeras", op="Const")
    notes = json.dumps(signature.notes(road=road, tensorflow=tf.__version__))
    note.attr["dtype"].type = tf.string.as_datatype_enum
    note.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(notes))
    path.write_bytes(definition.SerializeToString(deterministic=True))
    return graph.remarks


def opened_frozen(path: Path, signature: Signature) -> Run:
    """A frozen graph as a function of arrays, by the names of its operators."""
    v1 = tensorflow().compat.v1
    definition = v1.GraphDef.FromString(path.read_bytes())
    graph = tensorflow().Graph()
    with graph.as_default():
        v1.import_graph_def(definition, name="")

    def run(xs: list[np.ndarray]) -> list[np.ndarray]:
        fed = {f"{e.name}:0": x for e, x in zip(signature.inputs, xs, strict=True)}
        with v1.Session(graph=graph, config=v1.ConfigProto(device_count={"GPU": 0})) as session:
            return session.run([f"{e.name}:0" for e in signature.outputs], fed)

    return run


@contextlib.contextmanager
def next_version(target: Path) -> Generator[tuple[Path, Callable[[], Path]]]:
    """A folder to write into, which becomes the next version below `target`, whole or not at all.

    Args:
        target: the folder of a model; it is made, if the folder around it is there.

    Yields:
        The folder, and a function that puts it in its place and says where that is.

    Raises:
        OSError: `target` is a file, or cannot be written.
    """
    fresh = not target.exists()
    target.mkdir(exist_ok=True)
    part = target / f".{secrets.token_hex(4)}.tmp"  # no number: servers pass over it
    part.mkdir()

    def place() -> Path:
        while True:
            numbers = [int(p.name) for p in target.iterdir() if p.name.isdecimal()]
            final = target / str(max(numbers, default=0) + 1)
            try:
                os.rename(part, final)
                return final
            except OSError as error:  # another export has taken the number in this moment
                if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                    raise

    try:
        yield part, place
    finally:
        shutil.rmtree(part, ignore_errors=True)
        if fresh:
            with contextlib.suppress(OSError):  # a version is in it
                target.rmdir()

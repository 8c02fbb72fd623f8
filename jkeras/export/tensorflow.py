"""A model as a function of TensorFlow, by two roads."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import contextlib
import logging
import os
import tempfile
import warnings
from collections.abc import Generator
from typing import Any, NamedTuple

import jax
import numpy as np

from jkeras.core import extras
from jkeras.core.lists import as_list, unpacked
from jkeras.export.lambdas import rebuilt
from jkeras.export.program import Sizes, for_any_sizes, inference
from jkeras.export.signature import Signature
from jkeras.saving.model_io import save_model

EXTRA = "tensorflow"
USER = "model.export"


class Graph(NamedTuple):
    """A function of TensorFlow.

    Args:
        function: takes the inputs in order, gives the outputs by name.
        owner: what holds its variables.
        remarks: what a user should know of it.
    """

    function: Any
    owner: Any
    remarks: tuple[str, ...] = ()


def tensorflow(part: str = "") -> Any:
    """TensorFlow, or a module of it.

    Raises:
        ImportError: it is not installed.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")  # jax has most of a GPU's memory already
    with quiet():
        return extras.module(f"tensorflow{part}", EXTRA, USER)


@contextlib.contextmanager
def quiet() -> Generator[None]:
    """Without what converters say to their developers."""
    loggers = [logging.getLogger(name) for name in ("tensorflow", "absl", "tf2onnx", "onnx_ir", "jax2onnx")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


def _function(tf: Any, signature: Signature, compute: Any) -> Any:
    def run(*xs: Any) -> dict[str, Any]:
        ends = zip(signature.outputs, compute(*xs), strict=True)
        return {end.name: tf.identity(y, name=end.name) for end, y in ends}

    specs = [tf.TensorSpec(e.shape, e.dtype, name=e.name) for e in signature.inputs]
    function = tf.function(run, input_signature=specs, autograph=False)
    function.get_concrete_function()
    return function


def by_keras(model: Any, signature: Signature) -> Graph:
    """The architecture built anew by tf-keras from a file in the layout of Keras 2: plain operators."""
    tf = tensorflow()
    with quiet(), tempfile.TemporaryDirectory() as folder, tf.device("/CPU:0"):
        keras = extras.module("tf_keras", EXTRA, USER)
        path = os.path.join(folder, "model.h5")
        save_model(model, path, include_optimizer=False)
        own = {"Lambda": rebuilt(model, keras)}
        twin = keras.models.load_model(path, compile=False, custom_objects=own)
    owner = tf.Module()
    owner.twin = twin

    def compute(*xs: Any) -> list[Any]:
        return as_list(twin(unpacked(list(xs)), training=False))

    return Graph(_function(tf, signature, compute), owner)


def by_jax(model: Any, signature: Signature) -> Graph:
    """jax's program for CPU and CUDA, inside one operator of TensorFlow (StableHLO in XlaCallModule)."""
    tf = tensorflow()
    with quiet():
        jax2tf = extras.module("jax.experimental.jax2tf", EXTRA, USER)
    values, run = inference(model)
    owner = tf.Module()
    with tf.device("/CPU:0"):
        owner.values = [tf.Variable(np.asarray(v)) for v in jax.tree.leaves(values)]
    tree = jax.tree.structure(values)

    def flat(leaves: Any, *xs: Any) -> list[Any]:
        return run(jax.tree.unflatten(tree, leaves), *xs)

    def make(sizes: Sizes) -> Any:
        converted = jax2tf.convert(
            flat,
            polymorphic_shapes=[None, *(f"({shape})" for shape in sizes.shapes)],
            polymorphic_constraints=sizes.constraints,
            with_gradient=False,
            native_serialization_platforms=("cpu", "cuda"),
        )

        def compute(*xs: Any) -> list[Any]:
            return converted(owner.values, *xs)

        return _function(tf, signature, compute)

    function, sizes = for_any_sizes(signature, make)
    return Graph(function, owner, sizes.constraints)

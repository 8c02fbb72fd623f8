"""Weights of Keras 1, Theano and CuDNN, against what Keras 2.2.4 made of them."""

from __future__ import annotations

import re
from types import SimpleNamespace

import numpy as np
import pytest

from jkeras.saving import legacy
from tests import golden

CASES = {case["name"]: case for case in golden.json("legacy_weights")}


def layer_of(case):
    """Something with the class name and the attributes that conversion looks at."""
    config = {"reset_after": False, "data_format": "channels_last"} | case["config"]
    weights = [SimpleNamespace(shape=tuple(shape)) for shape in case["layer_shapes"]]
    name = case["cls"].lower() + "_1"
    return type(case["cls"], (), config | {"name": name, "weights": weights})()


@pytest.mark.parametrize("name", CASES)
def test_as_keras_does(name):
    case = CASES[name]
    values = [np.asarray(v, np.float32) for v in case["weights"]]
    origin = legacy.Origin(case["version"], case["backend"], case["reshape"])
    if "error" in case:
        what = case["error"].removeprefix("ValueError: ").rstrip(". ")
        with pytest.raises(ValueError, match=re.escape(what)):
            legacy.convert(layer_of(case), values, origin)
        return
    result = legacy.convert(layer_of(case), values, origin)
    expected = [np.asarray(v, np.float32) for v in case["result"]]
    shapes = [tuple(s) for s in case["layer_shapes"]]
    if [e.shape for e in expected] != shapes:  # Keras turned a kernel that fits neither way: left as it is
        assert [r.shape for r in result] == [v.shape for v in values]
        return
    for got, want in zip(result, expected, strict=True):
        assert got.dtype == np.float32
        np.testing.assert_allclose(got, want, rtol=1e-6)


def test_a_keras_1_kernel_of_another_size():
    layer = layer_of(CASES["conv1d_k11"])
    with pytest.raises(ValueError, match='Layer "conv1d_1": a Keras 1 kernel of shape'):
        legacy.convert(layer, [np.zeros((5, 2, 3, 1)), np.zeros(5)], legacy.Origin("1"))


def test_the_parts_of_composites_are_converted():
    inner = layer_of(CASES["lstm_from_cudnn"])
    inner.trainable_weights = inner.weights
    values = [np.asarray(v, np.float32) for v in CASES["lstm_from_cudnn"]["weights"]]
    expected = legacy.convert(inner, values, legacy.Origin())
    both = type("Bidirectional", (), {"forward_layer": inner, "backward_layer": inner})()
    folded = type("TimeDistributed", (), {"layer": inner})()
    moving = SimpleNamespace(name="bn", weights=[1, 2], trainable_weights=[1])
    nested = SimpleNamespace(layers=[inner, moving, folded_like(folded, inner)])
    for layer, given, want in [
        (both, values * 2, expected * 2),
        (folded, values, expected),
        (nested, [*values, np.ones(1), *values, np.ones(2)], [*expected, np.ones(1), *expected, np.ones(2)]),
    ]:
        for got, wanted in zip(legacy.convert(layer, given, legacy.Origin()), want, strict=True):
            np.testing.assert_array_equal(got, wanted)


def folded_like(folded, inner):
    folded.weights = folded.trainable_weights = inner.weights
    return folded

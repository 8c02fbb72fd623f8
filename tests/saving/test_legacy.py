"""Weights of Keras 1, Theano and CuDNN, against what Keras 2.2.4 made of them."""

from __future__ import annotations

import re
from types import SimpleNamespace

import numpy as np
import pytest

from jkeras import layers as L
from jkeras.models import Sequential
from jkeras.saving import legacy
from jkeras.utils import set_random_seed
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


RECURRENT = {
    "LSTM": (lambda: L.CuDNNLSTM(3), lambda: L.LSTM(3, recurrent_activation="sigmoid")),
    "GRU": (lambda: L.CuDNNGRU(3), lambda: L.GRU(3, recurrent_activation="sigmoid", reset_after=True)),
}
WRAPPED = {
    "alone": lambda layer: layer,
    "both ways": lambda layer: L.Bidirectional(layer),
    "nested": lambda layer: Sequential([layer], name="inner"),
}


def with_recurrent(make, wrap, seed):
    set_random_seed(seed)
    model = Sequential([L.Conv1D(4, 1, input_shape=(5, 2)), wrap(make()), L.Dense(2)])
    random = np.random.RandomState(seed)  # biases too
    model.set_weights([random.uniform(-1, 1, w.shape).astype("float32") for w in model.get_weights()])
    return model


@pytest.mark.parametrize("wrap", WRAPPED.values(), ids=WRAPPED)
@pytest.mark.parametrize("kind", RECURRENT)
def test_files_carry_weights_between_cudnn_and_plain_layers(kind, wrap, tmp_path):
    x = np.random.RandomState(0).randn(3, 5, 2).astype("float32")
    for source, target in (RECURRENT[kind], RECURRENT[kind][::-1]):
        written, read = with_recurrent(source, wrap, 1), with_recurrent(target, wrap, 2)
        written.save_weights(tmp_path / "w.h5")
        read.load_weights(tmp_path / "w.h5")
        np.testing.assert_allclose(read.predict(x), written.predict(x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("backwards", [False, True])
def test_a_gru_that_resets_before_the_product_is_not_cudnns(backwards, tmp_path):
    makes = (lambda: L.CuDNNGRU(3), lambda: L.GRU(3))
    written, read = (with_recurrent(m, WRAPPED["alone"], 1) for m in (makes[::-1] if backwards else makes))
    written.save_weights(tmp_path / "w.h5")
    before = read.get_weights()
    with pytest.raises(ValueError, match=r"gru_\d+\": .*GRU.* is not compatible with .*GRU"):
        read.load_weights(tmp_path / "w.h5")
    for a, b in zip(before, read.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)

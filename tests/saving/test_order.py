"""Weights of nested layers whose order in the file is another one: the names tell which is which.

Keras 2.2.4 lists trained weights before frozen ones and swaps weights of equal shape (keras 10777, 9905).
"""

from __future__ import annotations

import contextlib
import itertools

import h5py
import numpy as np
import pytest

from jkeras import backend as K
from jkeras.layers import BatchNormalization, Dense, Input, TimeDistributed
from jkeras.models import Model, Sequential

X = np.random.RandomState(0).rand(4, 5).astype("float32")


def named(frozen):
    return Sequential([Dense(5, name="d1", trainable=not frozen, input_shape=(5,)), Dense(5, name="d2")])


def automatic(frozen):
    K.clear_session()
    return Sequential([Dense(5, trainable=not frozen, input_shape=(5,)), Dense(5)])


def counted_on(frozen):
    return Sequential([Dense(5, trainable=not frozen, input_shape=(5,)), Dense(5)])


def normalized(frozen):
    parts = [
        BatchNormalization(name="b", trainable=not frozen),
        Dense(5, name="e"),
        BatchNormalization(name="c"),
    ]
    return Sequential([Dense(5, name="d", input_shape=(5,)), *parts])


def deep(frozen):
    parts = [Dense(5, name="a", input_shape=(5,)), BatchNormalization(name="b"), Dense(5, name="c")]
    inner = Sequential(parts, name="inside")
    inner.trainable = not frozen
    return Sequential([Dense(5, name="e", input_shape=(5,)), inner, Dense(5, name="d")])


KINDS = {f.__name__: f for f in (named, automatic, counted_on, normalized, deep)}


def model_of(kind, frozen):
    x, inner = Input((1, 5)), KINDS[kind](frozen)
    return Model(x, Dense(1, name="top")(TimeDistributed(inner, name="around")(x)))


def leaves(layer):
    """The layers that hold weights of their own, in the order of the graph, whatever is trained."""
    inner = [layer.layer] if isinstance(layer, TimeDistributed) else getattr(layer, "layers", [])
    return [leaf for part in inner for leaf in leaves(part)] if inner else [layer]


def arrays(model):
    return [(variable.name.split("/")[-1], value) for leaf in leaves(model) for variable, value in held(leaf)]


def held(layer):
    return sorted(zip(layer.weights, layer.get_weights(), strict=True), key=lambda pair: pair[0].name)


def spread(model):
    for i, variable in enumerate(sorted(model.weights, key=lambda v: v.name)):
        variable.assign(np.random.RandomState(i).rand(*variable.shape) + 0.1)
    return arrays(model)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("by_name", [False, True], ids=["by order", "by name"])
@pytest.mark.parametrize("name", ["w.h5", "w.msgpack"])
def test_what_was_frozen_does_not_matter(kind, by_name, name, tmp_path):
    for before, after in itertools.product((False, True), repeat=2):
        expected = spread(model := model_of(kind, before))
        model.save_weights(tmp_path / name)
        other = model_of(kind, after)
        says_so = before != after and kind in ("automatic", "counted_on")
        with pytest.warns(UserWarning, match="were frozen") if says_so else contextlib.nullcontext():
            other.load_weights(tmp_path / name, by_name=by_name)
        for (what, value), (same, found) in zip(expected, arrays(other), strict=True):
            assert what == same
            np.testing.assert_array_equal(found, value)


def test_a_file_of_keras(tmp_path):
    """The names that TensorFlow gives: those of a second model in the same process have numbers."""
    weights = [np.full((5, 5), 2.0), np.zeros(5), np.eye(5), np.ones(5)]
    names = ["d2_1/kernel:0", "d2_1/bias:0", "d1_1/kernel:0", "d1_1/bias:0"]
    with h5py.File(tmp_path / "k.h5", "w") as file:
        file.attrs["layer_names"] = [b"inner"]
        group = file.create_group("inner")
        group.attrs["weight_names"] = [n.encode() for n in names]
        for name, value in zip(names, weights, strict=True):
            group[name] = value
    inner = named(False)
    x = Input((5,))
    inner.name = "inner"
    Model(x, inner(x)).load_weights(tmp_path / "k.h5")
    np.testing.assert_array_equal(inner.get_weights()[0], np.eye(5))
    np.testing.assert_array_equal(inner.get_weights()[2], np.full((5, 5), 2.0))


def test_layers_that_were_made_in_another_order_are_taken_by_position(tmp_path):
    """Numbers in automatic names say nothing where the layers do not stand in their order."""
    K.clear_session()
    second, first = Dense(5), Dense(5, input_shape=(5,))
    swapped = Sequential([Sequential([first, second], name="inner")])
    plain = Sequential([automatic(False)])
    plain.save_weights(tmp_path / "w.h5")
    swapped.load_weights(tmp_path / "w.h5")
    np.testing.assert_allclose(swapped.predict(X), plain.predict(X), rtol=1e-6)


def test_a_shared_model_lists_its_slots_as_often_as_keras(tmp_path):
    """Keras 2.2.4 reads the state of our optimizer only so: 6 trained weights, 19 arrays of Adam."""
    inner = Sequential([Dense(2, input_shape=(3,))], name="inner")
    x, steps = Input((3,)), Input((2, 3))
    model = Model([x, steps], [Dense(1)(inner(x)), TimeDistributed(inner)(steps)])
    model.compile("adam", "mse")
    data = [np.ones((2, 3)), np.ones((2, 2, 3))], [np.ones((2, 1)), np.ones((2, 2, 2))]
    model.train_on_batch(*data)
    assert len(model.weights) == 4 and len(model.optimizer.get_weights()) == 19
    model.save(tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5", "r") as file:
        assert len(file["optimizer_weights"].attrs["weight_names"]) == 19

"""Subclassed models: built by data, Python in `call`, masks, phases, several inputs, inner models."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from jkeras import backend as K
from jkeras.layers import LSTM, BatchNormalization, Dense, Dropout, Embedding, Input
from jkeras.models import Model, Sequential

X = np.random.RandomState(0).rand(8, 4).astype("float32")
Y = np.random.RandomState(1).rand(8, 1).astype("float32")


class Two(Model):
    """Two inputs, two outputs, a phase, an added loss."""

    def __init__(self):
        super().__init__(name="two")
        self.left, self.right = Dense(2), Dense(2)
        self.drop, self.norm = Dropout(0.5), BatchNormalization()

    def call(self, inputs, training=None, mask=None):
        a, b = inputs
        y = self.norm(self.left(a) + self.right(b))
        self.add_loss(K.mean(K.square(y)))
        return [self.drop(y, training=training), K.sum(y, axis=-1, keepdims=True)]


class Chain(Model):
    """Layers in a list and in a dict, an inner model, a weight of its own."""

    def __init__(self):
        super().__init__()
        self.steps = [Dense(3), Dense(2)]
        self.ends = {"out": Sequential([Dense(2), Dense(1)])}

    def build(self, input_shape):
        self.gain = self.add_weight(name="gain", shape=(2,), initializer="ones")
        super().build(input_shape)

    def call(self, x):
        for step in self.steps:
            x = step(x)
        return self.ends["out"](x * self.gain)


class Masked(Model):
    """A mask travels through `call`."""

    def __init__(self):
        super().__init__()
        self.embed, self.read = Embedding(10, 3, mask_zero=True), LSTM(2)

    def call(self, x):
        return self.read(self.embed(x))


def test_several_inputs_outputs_and_phases():
    model = Two()
    model.compile("sgd", ["mse", "mse"])
    assert len(model.fit([X, X], [np.ones((8, 2)), Y], verbose=0).history["loss"]) == 1
    assert model.metrics_names == ["loss", "output_1_loss", "output_2_loss"]
    assert np.abs(model.norm.get_weights()[2]).max() > 0
    first, second = model.predict([X, X])
    np.testing.assert_allclose(first.sum(-1, keepdims=True), second, rtol=1e-4, atol=1e-6)
    total, a, b = model.evaluate([X, X], [first, second], verbose=0)
    np.testing.assert_allclose(total, (first**2).mean(), rtol=1e-4)
    assert (np.asarray(model([X, X], training=True)[0]) == 0).any()
    lines = []
    model.summary(print_fn=lines.append)
    assert any("multiple" in line for line in lines)


@pytest.mark.broadcasts
def test_lists_dicts_inner_models_and_own_weights():
    model = Chain()
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0)
    assert len(model.layers) == 3 and len(model.weights) == 9
    assert len(model.layers[2].layers) == 2
    other = Chain()
    other.build((None, 4))
    other.set_weights(model.get_weights())
    np.testing.assert_allclose(other.predict(X), model.predict(X), rtol=1e-6)


def test_masks_as_in_the_graph():
    model, data = Masked(), np.array([[1, 2, 0], [3, 4, 5]])
    graph = Sequential([model.embed, model.read])
    values = model.predict(data)
    graph.build((None, 3))
    np.testing.assert_allclose(values, graph.predict(data), rtol=1e-5)
    assert model.predict(np.array([[1, 2, 3, 4]])).shape == (1, 2), "another length"


@pytest.mark.broadcasts
def test_as_a_layer_of_a_graph():
    x = Input((4,))
    inner = Chain()
    model = Model(x, Dense(1)(inner(x)))
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0)
    assert len(model.weights) == 11
    assert inner.predict(X).shape == (8, 1)


def test_what_needs_a_graph_is_refused():
    model = Chain()
    for name in ("inputs", "outputs"):
        with pytest.raises(NotImplementedError, match="save_weights"):
            getattr(model, name)
    for method in (model.to_json, model.to_yaml, model.get_config):
        with pytest.raises(NotImplementedError, match="save_weights"):
            method()
    with pytest.raises(ValueError, match="not built"):
        model.summary()


def test_a_subclass_over_a_graph():
    class Small(Model):
        def __init__(self, units):
            x = Input((4,))
            super().__init__(x, Dense(units)(x), name="small")

    model = Small(3)
    assert model.predict(X).shape == (8, 3) and model.get_config()["name"] == "small"


@pytest.mark.broadcasts
def test_deep_copy_is_apart():
    model = Chain()
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0)
    twin = copy.deepcopy(model)
    before = twin.predict(X)
    np.testing.assert_allclose(before, model.predict(X), rtol=1e-6)
    model.fit(X, Y, verbose=0)
    np.testing.assert_array_equal(twin.predict(X), before)
    twin.fit(X, Y, verbose=0)


@pytest.mark.broadcasts
@pytest.mark.parametrize("way", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_copies_go_on_with_the_state_of_the_optimizer(way):
    model = Chain()
    model.compile("adam", "mse")
    for _ in range(2):
        model.train_on_batch(X, Y)
    twin = way(model)
    for _ in range(2):
        assert model.train_on_batch(X, Y) == twin.train_on_batch(X, Y)
    np.testing.assert_array_equal(twin.get_weights()[0], model.get_weights()[0])


class Switched(Model):
    def call(self, x):
        return K.in_train_phase(x * 0, x)


@pytest.mark.parametrize("phase", [0, 1])
def test_a_fixed_learning_phase_reaches_call(phase):
    K.set_learning_phase(phase)
    try:
        model, wanted = Switched(), X * (1 - phase)
        np.testing.assert_array_equal(model(X), wanted)
        np.testing.assert_array_equal(model.predict(X), wanted)
        model.compile("sgd", "mse")
        assert model.train_on_batch(X, wanted) == 0
    finally:
        K.clear_session()


@pytest.mark.broadcasts
def test_what_only_a_graph_has_is_no_attribute():
    model = Chain()
    model.predict(X)
    for name in ("inputs", "outputs", "input", "output", "input_shape", "output_shape"):
        assert not hasattr(model, name)
        with pytest.raises(NotImplementedError, match="save_weights"):
            getattr(model, name)


def test_regularizers_and_losses():
    class Taxed(Model):
        def __init__(self):
            super().__init__()
            self.dense = Dense(1, kernel_regularizer="l2")

        def call(self, x):
            return self.dense(x)

    model = Taxed()
    model.compile("sgd", "mse")
    value = model.evaluate(X, Y, verbose=0)
    (penalty,) = model.losses
    np.testing.assert_allclose(value, ((model.predict(X) - Y) ** 2).mean() + K.eval(penalty), rtol=1e-5)
    assert model.updates == []

"""Layers whose class lists its weights itself, as packages for Keras 2 write wrappers of copies."""

import copy

import numpy as np

from jkeras import backend as K
from jkeras.layers import Dense, Wrapper
from jkeras.models import Sequential


class Copies(Wrapper):
    """Two copies of a layer side by side; the layer itself is a template that never runs."""

    def __init__(self, layer, **kwargs):
        super().__init__(layer, **kwargs)
        self.layers = []

    def build(self, input_shape):
        for i in range(2):
            inner = copy.deepcopy(self.layer)
            inner.name = f"{self.layer.name}_{i}"
            inner.build(input_shape)
            self.layers.append(inner)
        super().build(input_shape)

    def call(self, inputs):
        return K.concatenate([inner.call(inputs) for inner in self.layers])

    def compute_output_shape(self, input_shape):
        return (input_shape[0], 2 * self.layer.units)

    @property
    def trainable_weights(self):
        return [w for inner in self.layers for w in inner.trainable_weights]

    @property
    def non_trainable_weights(self):
        return []


def test_a_template_is_neither_trained_nor_kept(tmp_path):
    model = Sequential([Copies(Dense(3, name="part"), input_shape=(4,)), Dense(1)])
    model.compile("adam", "mse")
    assert len(model.weights) == 6 and model.layers[0].lists_weights
    x = np.random.default_rng(0).normal(size=(8, 4))
    before = model.get_weights()
    model.fit(x, x[:, :1], verbose=0)  # was refused: a loss does not depend on the template
    assert all((a != b).any() for a, b in zip(before, model.get_weights(), strict=True))
    assert len(model.optimizer.weights) == 1 + 3 * 6  # m, v and a stand-in for vhat, of six weights
    model.save_weights(tmp_path / "w.h5")
    after = model.get_weights()
    model.set_weights(before)
    model.load_weights(tmp_path / "w.h5")
    for a, b in zip(after, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


class Frozen(Dense):
    @property
    def trainable_weights(self):
        return []


def test_what_is_not_listed_is_not_trained():
    model = Sequential([Frozen(3, input_shape=(4,)), Dense(1)])
    model.compile("sgd", "mse")
    first = model.layers[0]
    kernel = K.get_value(first.kernel)
    model.fit(np.ones((8, 4)), np.ones(8), verbose=0)
    np.testing.assert_array_equal(K.get_value(first.kernel), kernel)
    assert len(model.trainable_weights) == 2

"""Weights are drawn when they are read: to the values of before, and not at all if others replace them."""

from __future__ import annotations

import copy
import pickle

import jax
import numpy as np
import pytest

from jkeras import backend as K
from jkeras import initializers
from jkeras.core import random
from jkeras.layers import LSTM, BatchNormalization, Bidirectional, Dense, Layer, TimeDistributed
from jkeras.models import Model, Sequential


@pytest.fixture
def none_is_drawn(monkeypatch):
    def refuse(*args):
        raise AssertionError("a weight was drawn")

    monkeypatch.setattr(random, "_draw", refuse)


def recurrent() -> Sequential:
    inner = Sequential([Dense(3, input_shape=(3,)), BatchNormalization()])
    way = LSTM(2, unit_forget_bias=False)
    return Sequential([TimeDistributed(inner, input_shape=(4, 3)), Bidirectional(way), Dense(2)])


def test_neither_building_nor_other_weights_draw(none_is_drawn, tmp_path):
    model, path = recurrent(), str(tmp_path / "weights.h5")
    cells = [weight for layer in model.layers for weight in layer.weights]
    model.set_weights([np.full(w.shape, 0.5, w.dtype) for w in cells])
    model.save_weights(path)
    other = recurrent()
    other.load_weights(path)
    assert all((w == 0.5).all() for w in other.get_weights())
    with pytest.raises(AssertionError, match="was drawn"):
        recurrent().get_weights()


def test_they_are_what_the_initializer_draws_for_the_seed_of_the_time():
    np.random.seed(3)
    seed = random.next_seed()
    np.random.seed(3)
    layer = Dense(4)
    layer.build((None, 3))
    np.random.seed(99)  # after the layer was built: without effect
    key = jax.random.fold_in(jax.random.key(seed), 0)
    assert np.array_equal(layer.get_weights()[0], initializers.draw("glorot_uniform", key, (3, 4)))


def test_read_within_a_traced_program_they_are_constants():
    layer = Dense(4, use_bias=False)
    layer.build((None, 3))
    inside = jax.jit(lambda x: x @ layer.kernel.value)(np.eye(3, dtype="float32"))
    np.testing.assert_allclose(inside, layer.get_weights()[0], rtol=1e-6)


class Own(Model):
    def __init__(self):
        super().__init__()
        self.dense = Dense(2)

    def call(self, x):
        return self.dense(x)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_hold_the_same(duplicate):
    model = Own()
    model.dense.build((None, 3))
    other = duplicate(model)
    assert np.array_equal(other.dense.get_weights()[0], model.dense.get_weights()[0])


def test_initializers_of_the_user_are_asked_when_the_layer_is_built():
    shapes = []

    def mine(shape, dtype=None):
        shapes.append(shape)
        return np.ones(shape)

    class Scale(Layer):
        def build(self, input_shape):
            self.scale = self.add_weight(name="scale", shape=input_shape[1:], initializer=mine)
            super().build(input_shape)

    Scale().build((None, 3))
    Dense(2, kernel_initializer=mine).build((None, 3))
    assert shapes == [(3,), (3, 2)]


def test_what_may_be_refused_is_refused_when_the_layer_is_built():
    with pytest.raises(ValueError, match="should be multiple of short side"):
        Dense(2, kernel_initializer="identity").build((None, 3))
    with pytest.raises(ValueError, match="64-bit mode is off"):
        Dense(2, dtype="float64").build((None, 3))


def test_formulas_of_the_user_compute_with_numbers():
    class Doubled(Dense):
        def formula(self):
            pair = super().formula()

            def init(rng, in_shape):
                params, state = pair.init(rng, in_shape)
                return {**params, "kernel": params["kernel"] * 2}, state

            return pair._replace(init=init)

    layer = Doubled(2, kernel_initializer="ones")
    layer.build((None, 3))
    assert (K.get_value(layer.kernel) == 2).all()

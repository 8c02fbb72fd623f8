"""Small models to save, and comparisons of them."""

from __future__ import annotations

import numpy as np

from jkeras.layers import Dense
from jkeras.models import Sequential

FORMATS = ["model.h5", "model.msgpack", "model.hdf5", "model"]
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(8, 4)).astype("float32"), RNG.normal(size=(8, 2)).astype("float32")


def small(optimizer="sgd", **kwargs) -> Sequential:
    model = Sequential([Dense(5, activation="tanh", input_shape=(4,), name="a"), Dense(2, name="b")])
    model.compile(optimizer, kwargs.pop("loss", "mse"), **kwargs)
    return model


def same_weights(a, b):
    for x, y in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_array_equal(x, y)


def goes_on_alike(a, b, x=X, y=Y, steps=2):
    for _ in range(steps):
        assert np.ravel(a.train_on_batch(x, y)).tolist() == np.ravel(b.train_on_batch(x, y)).tolist()
    same_weights(a, b)

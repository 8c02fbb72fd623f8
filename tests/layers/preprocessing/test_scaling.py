"""Normalization and Discretization learn from data; the numbers are Keras 3.15's."""

import numpy as np
import pytest

from jkeras import layers
from jkeras.layers import deserialize, serialize
from jkeras.models import Sequential
from tests.layers.test_recorded_keras3 import recording

DATA = np.random.RandomState(0).normal(3.0, 2.0, (100, 4)).astype("float32")


def test_normalization_of_an_array_and_of_batches():
    whole, parts = layers.Normalization(), layers.Normalization()
    whole.adapt(DATA)
    parts.adapt((DATA[i : i + 33], None) for i in range(0, 100, 33))
    for layer in (whole, parts):
        y = np.asarray(layer(DATA))
        np.testing.assert_allclose(y.mean(0), 0, atol=1e-5)
        np.testing.assert_allclose(y.std(0), 1, rtol=1e-5)
    np.testing.assert_allclose(whole.get_weights()[0], DATA.mean(0), rtol=1e-6)


def test_a_model_follows_what_its_normalization_learns_and_leaves_it_alone():
    layer = layers.Normalization(input_shape=(4,))
    model = Sequential([layer, layers.Dense(1, kernel_initializer="ones")])
    model.compile("sgd", "mse")
    before = model.predict(DATA)
    layer.adapt(DATA)
    np.testing.assert_allclose(
        model.predict(DATA)[:, 0], np.asarray(layer(DATA)).sum(1), rtol=1e-4, atol=1e-4
    )
    assert abs(before - model.predict(DATA)).max() > 1
    kept = layer.get_weights()
    model.fit(DATA, DATA[:, 0], verbose=0)
    for a, b in zip(kept, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_normalization_refuses():
    with pytest.raises(ValueError, match="go together"):
        layers.Normalization(mean=1.0)
    with pytest.raises(ValueError, match="was given"):
        layers.Normalization(mean=1.0, variance=1.0).adapt(DATA)
    with pytest.raises(ValueError, match="no data"):
        layers.Normalization().adapt([])
    with pytest.raises(TypeError, match="batches that are arrays"):
        layers.Normalization().adapt([1, 2])


def test_discretization_finds_bins_and_keeps_them():
    layer = layers.Discretization(num_bins=4)
    with pytest.raises(ValueError, match="no boundaries yet"):
        layer(DATA)
    layer.adapt(DATA)
    np.testing.assert_allclose(layer.bin_boundaries, recording()[0]["boundaries"], rtol=1e-6)
    again = deserialize(serialize(layer))
    np.testing.assert_array_equal(again(DATA), layer(DATA))
    assert np.bincount(np.asarray(layer(DATA)).ravel()).min() > 80

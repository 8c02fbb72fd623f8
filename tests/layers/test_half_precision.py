"""Half-precision inputs, and layers of half precision, through fit, evaluate and predict."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from jkeras import layers as L
from jkeras.models import Sequential, load_model
from jkeras.utils import set_random_seed

RNG = np.random.RandomState(0)
IMAGES, Y = RNG.randn(8, 6, 6, 2).astype("float32"), RNG.randint(0, 3, (8, 1))


def network(**kwargs) -> Sequential:
    set_random_seed(0)
    model = Sequential(
        [
            L.Conv2D(4, 3, padding="same", activation="relu", input_shape=(6, 6, 2), **kwargs),
            L.BatchNormalization(**kwargs),
            L.MaxPooling2D(2),
            L.SpatialDropout2D(0.1),
            L.Reshape((9, 4)),
            L.LSTM(4, dropout=0.1, recurrent_dropout=0.1, return_sequences=True, **kwargs),
            L.Bidirectional(L.GRU(3, **kwargs)),
            L.GaussianNoise(0.1),
            L.Dense(3, activation="softmax", **kwargs),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_inputs_of_a_single_precision_model(dtype):
    model = network()
    x = np.asarray(jnp.asarray(IMAGES, dtype))
    assert model.predict(x).dtype == np.float32
    np.testing.assert_allclose(model.predict(x), model.predict(IMAGES), atol=0.02)
    history = model.fit(x, Y, batch_size=4, epochs=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert {str(w.dtype) for w in model.get_weights()} == {"float32"}


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_models_of_half_precision(dtype, tmp_path):
    model = network(dtype=dtype)
    x = np.asarray(jnp.asarray(IMAGES, dtype))
    history = model.fit(x, Y, batch_size=4, epochs=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert {str(w.dtype) for w in model.get_weights()} == {dtype}
    assert str(model.predict(x).dtype) == dtype
    assert np.isfinite(model.evaluate(x, Y, verbose=0)).all()
    model.save(tmp_path / "model.h5")
    again = load_model(tmp_path / "model.h5")
    assert {str(w.dtype) for w in again.get_weights()} == {dtype}
    np.testing.assert_array_equal(again.predict(x), model.predict(x))

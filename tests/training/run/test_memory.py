"""Out of memory: what is said, and what becomes of the model."""

import numpy as np
import pytest

from jkeras import backend as K
from jkeras import layers
from jkeras.models import Model
from jkeras.training.run.memory import OutOfMemoryError, advice

ROWS = 2_000_000  # a square matrix of so many rows fits in no machine
SMALL = np.random.RandomState(0).rand(8, 1).astype("float32")


def _square(t):
    """Makes a matrix of all pairs of rows."""
    return K.sum(K.dot(K.sqrt(K.abs(K.dot(t, K.transpose(t)))), t), axis=-1, keepdims=True)


@pytest.fixture(scope="module")
def model():
    x = layers.Input((1,))
    model = Model(x, layers.Lambda(_square, output_shape=(1,))(layers.Dense(1)(x)))
    model.compile("adam", "mse", devices=1)
    model.fit(SMALL, SMALL, verbose=0)
    return model


@pytest.mark.parametrize("batches", [0, 1])
def test_the_weights_are_those_of_the_last_step(model, batches):
    large = np.zeros((ROWS, 1), "float32")
    expected = model.get_weights()
    data = iter([(SMALL, SMALL)] * batches + [(large, large)])
    iterations = model.optimizer.iterations
    done = int(K.get_value(iterations))
    with pytest.raises(
        OutOfMemoryError, match=f"batch size of {ROWS}: .*(bytes|iB) .*smaller `batch_size`"
    ) as caught:
        model.fit(data, steps_per_epoch=batches + 1, verbose=0)
    assert isinstance(caught.value, MemoryError) and isinstance(caught.value, RuntimeError)
    assert int(K.get_value(iterations)) == done + batches
    same = [np.array_equal(a, b) for a, b in zip(model.get_weights(), expected, strict=True)]
    assert all(same) == (batches == 0)
    assert np.isfinite(model.fit(SMALL, SMALL, verbose=0).history["loss"]).all()


def test_other_errors_stay_as_they_are():
    from jax.errors import JaxRuntimeError

    from jkeras.training.run.memory import explained

    with pytest.raises(JaxRuntimeError, match="INTERNAL"), explained():
        raise JaxRuntimeError("INTERNAL: something else")
    with pytest.raises(OutOfMemoryError, match="12.5GiB could not be allocated on gpu"), explained(4, "gpu"):
        raise JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 12.5GiB.")
    assert "memory could not be allocated" in advice("RESOURCE_EXHAUSTED")

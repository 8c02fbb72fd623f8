"""What tests of layers are written with."""

from __future__ import annotations

import numpy as np
import pytest

from jkeras.layers import Dense, Dropout, Embedding, Layer
from jkeras.utils.test_utils import get_test_data, layer_test


def test_data_for_classes_and_for_numbers():
    (x, y), (x_test, y_test) = get_test_data(400, 3, input_shape=(4,), num_classes=3)
    assert x.shape == (400, 4) and y.shape == (400,) and x_test.shape == (3, 4) and y_test.shape == (3,)
    assert x.dtype == "float32" and set(y) == {0, 1, 2}
    for label in range(3):  # the inputs lie around their class
        assert abs(x[y == label].mean() - label) < 0.3
    (x, y), _ = get_test_data(20, 1, (2, 3), (5,), classification=False)
    assert x.shape == (20, 2, 3) and y.shape == (20, 5)


def test_layers_pass():
    assert layer_test(Dense, kwargs={"units": 3}, input_shape=(2, 4)).shape == (2, 3)
    assert layer_test(Dropout, kwargs={"rate": 0.5}, input_shape=(None, 4), fixed_batch_size=True).ndim == 2
    out = layer_test(
        Embedding,
        kwargs={"input_dim": 10, "output_dim": 2, "embeddings_initializer": "ones"},
        input_data=np.array([[1, 2, 3]]),
        input_dtype="int32",
        expected_output=np.ones((1, 3, 2)),
        expected_output_dtype="float32",
    )
    assert out.shape == (1, 3, 2)


class Wrong(Layer):
    """Says another shape than it gives."""

    def call(self, x):
        return x

    def compute_output_shape(self, input_shape):
        return (None, 7)


class Forgetful(Layer):
    """Its config lacks an argument."""

    def __init__(self, factor=1.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, x):
        return x * self.factor

    def get_config(self):
        return {"name": self.name}


@pytest.mark.parametrize(
    "layer, kwargs, more",
    [
        (Wrong, {}, {}),
        (
            Forgetful,
            {"factor": 2.0},
            {"input_data": np.ones((2, 3), "float32"), "expected_output": np.ones((2, 3))},
        ),
        (Dense, {"units": 2}, {"expected_output_dtype": "int32"}),
    ],
    ids="shape output dtype".split(),
)
def test_wrong_layers_do_not(layer, kwargs, more):
    with pytest.raises((AssertionError, ValueError)):
        layer_test(layer, kwargs=kwargs, input_shape=(2, 3), **more)

"""`if self.bias:` asks whether there is a variable, as in Keras 2.2.4."""

from __future__ import annotations

import numpy as np
import pytest

from jkeras import backend as K
from jkeras.layers import Dense, Input, Layer
from jkeras.models import Model, Sequential

ONES = np.ones((2, 3), "float32")


class Biased(Layer):
    """y = x (+ bias): the bias is there or not."""

    def __init__(self, shape=(3,), **kwargs):
        super().__init__(**kwargs)
        self.size, self.bias = shape, None

    def build(self, input_shape):
        self.scale = self.add_weight(name="scale", shape=(3,), initializer="ones")
        if self.size is not None:
            self.bias = self.add_weight(name="bias", shape=self.size, initializer="zeros")
        super().build(input_shape)

    def call(self, x):
        x = K.dot(x, K.eye(3)) * self.scale
        return x + 1 + self.bias if self.bias else x


@pytest.mark.broadcasts
@pytest.mark.parametrize("shape, wanted", [((3,), 2), ((1,), 2), ((), 2), (None, 1)])
def test_variables_are_true_whatever_their_value(shape, wanted):
    model = Sequential([Biased(shape, input_shape=(3,))])
    assert model.predict(ONES).tolist() == [[wanted] * 3] * 2
    model.compile("sgd", "mse")
    before = model.get_weights()
    model.fit(ONES, np.zeros((2, 3)), verbose=0)
    assert all((a != b).all() for a, b in zip(before, model.get_weights(), strict=True))


@pytest.mark.broadcasts
def test_inside_of_another_layer():
    class Outer(Layer):
        def build(self, input_shape):
            self.inner = Biased()
            super().build(input_shape)

        def call(self, x):
            return self.inner(x) * 2

    x = Input((3,))
    assert Model(x, Outer()(x)).predict(ONES).tolist() == [[4] * 3] * 2


def test_other_truth_values_are_errors():
    class Wrong(Layer):
        def call(self, x):
            return x if x else x + 1

    with pytest.raises((TypeError, ValueError), match="truth value|boolean"):
        Sequential([Dense(3, input_shape=(3,)), Wrong()])

"""What code of the user asks K for while it runs on values: the answers come from its run on tensors.

Right values: Keras 2.2.4.
"""

from __future__ import annotations

import jax
import numpy as np
import pytest

from jkeras import backend as K
from jkeras.layers import Input, Lambda, Layer
from jkeras.models import Model

X = np.arange(12).reshape(4, 3).astype("float32") / 10


class Numbers(Layer):
    """`K.eval` and `K.get_value` in the code of a call: numbers of when it is recorded, as in Keras."""

    def build(self, shape):
        self.w = self.add_weight(name="w", shape=(3,), initializer="ones")
        super().build(shape)

    def call(self, x):
        four = K.get_value(K.constant(4.0))
        return x * four * K.eval(K.sqrt(K.constant(4.0)) * 2) * K.get_value(K.sum(self.w)) * self.w


@pytest.mark.broadcasts
def test_numbers_inside_code():
    i = Input((3,))
    model = Model(i, Numbers()(i))
    np.testing.assert_allclose(model.predict(X), 48 * X, rtol=1e-6)
    model.set_weights([np.full(3, 2.0)])
    np.testing.assert_allclose(model.predict(X), 96 * X, rtol=1e-6)

    def loss(y_true, y_pred):
        return K.mean(y_pred) * K.get_value(K.sqrt(K.constant(9.0)))

    model.compile("sgd", loss)
    np.testing.assert_allclose(model.evaluate(X, X, verbose=0), 3 * 96 * X.mean(), rtol=1e-6)


def test_numbers_that_depend_on_the_input_are_refused():
    with pytest.raises(ValueError, match="input_"):
        Lambda(lambda x: x * K.get_value(K.sum(x)))(Input((3,)))
    with pytest.raises(TypeError, match="K.eval and K.get_value give numbers.*depends on no input"):
        jax.jit(lambda x: K.get_value(x * 2))(X)

"""Code that asks what it computes as it asks tensors: `get_shape()`, `_keras_shape`."""

from __future__ import annotations

import numpy as np
import pytest

from jkeras import backend as K
from jkeras.layers import RNN, Input, Lambda, Layer, SimpleRNN
from jkeras.models import Model, Sequential

X = np.arange(12).reshape(4, 3).astype("float32") / 10


class Asking(Layer):
    """As the Mask of CapsNet-Keras: asks what it has computed, and its weight, as it asks its arguments."""

    def build(self, shape):
        self.w = self.add_weight(name="w", shape=(shape[-1], 4), initializer="ones")

    def call(self, x):
        h = K.square(x) + 1
        self.product = K.dot(h, self.w)
        rows, columns = self.w.get_shape().as_list()
        assert h.get_shape().as_list()[1:] == [rows] and self.product._keras_shape[1] == columns
        of_rows = K.map_fn(lambda row: K.sum(row) * row.get_shape().as_list()[0] + 0 * K.sum(h), self.product)
        return K.stack([sum(self.product[:, i] for i in range(columns)), of_rows], axis=-1)


def test_code_may_ask_what_it_computes():
    i = Input((3,))
    layer = Asking()
    model = Model(i, layer(i))
    sums = 4 * (X**2 + 1).sum(1)
    np.testing.assert_allclose(model.predict(X), np.stack([sums, 4 * sums], -1), rtol=1e-5)
    assert layer.product.shape == (None, 4)
    (product,) = K.function([i], [layer.product])([X])
    np.testing.assert_allclose(product, np.repeat((X**2 + 1).sum(1, keepdims=True), 4, 1), rtol=1e-5)
    model.compile("sgd", "mse")
    assert model.train_on_batch(X, model.predict(X) + 1) == pytest.approx(1, rel=1e-4)


def test_a_cell_a_lambda_and_a_loss_may_ask_what_they_compute():
    class Cell(Layer):
        state_size = 3

        def call(self, x, states):
            y = x * K.concatenate([x, states[0]]).get_shape().as_list()[-1] + states[0]
            return y, [y]

    model = Sequential([RNN(Cell(), input_shape=(2, 3))])
    np.testing.assert_allclose(model.predict(np.ones((1, 2, 3))), [[12, 12, 12]])

    def loss(y_true, y_pred):
        d = K.square(y_true - y_pred)
        return K.sum(d, -1) / d.get_shape().as_list()[-1]

    model = Sequential([Lambda(lambda x: (x + 1) * (x + 1).get_shape().as_list()[1], input_shape=(3,))])
    np.testing.assert_allclose(model.predict(X), 3 * (X + 1), rtol=1e-6)
    model.compile("sgd", loss, metrics=[loss])
    expected = np.mean((3 * (X + 1)) ** 2)
    np.testing.assert_allclose(model.evaluate(X, 0 * X, verbose=0), [expected] * 2, rtol=1e-5)


def test_a_subclass_may_ask_before_it_calls_what_it_extends():
    """As AttentionLSTM of LSTM-FCN does, on what `super().call` gets and gives."""

    class Doubled(SimpleRNN):
        def call(self, x, **kwargs):
            y = super().call(x * x.get_shape().ndims, **kwargs)
            return y * y.get_shape().as_list()[-1]

    lone = {"kernel_initializer": "ones", "recurrent_initializer": "ones", "activation": None}
    model = Sequential([Doubled(1, input_shape=(2, 3), **lone)])
    np.testing.assert_allclose(model.predict(np.ones((1, 2, 3))), [[18]])

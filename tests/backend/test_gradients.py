"""Slopes where jax's differ from TensorFlow's, and every jax transformation of K functions."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jkeras import backend as K
from jkeras.layers import Layer
from jkeras.models import Sequential

X = np.array([-1.0, 0.0, 2.0], "float32")


@pytest.mark.parametrize(
    "function, slopes",
    [
        (K.abs, [-1, 0, 1]),
        (lambda x: K.maximum(x, 0.0), [0, 1, 1]),
        (lambda x: K.maximum(0.0, x), [0, 0, 1]),
        (lambda x: K.minimum(x, 0.0), [1, 1, 0]),
        (lambda x: K.clip(x, 0, 2), [0, 1, 1]),
        (K.relu, [0, 0, 1]),
    ],
)
def test_slopes_at_the_edges(function, slopes):
    """As recorded from Keras 2.2.4: what is equal goes to the first operand; |x| is flat at 0."""
    assert jax.grad(lambda x: function(x).sum())(X).tolist() == slopes
    x = K.placeholder((3,))
    assert K.function([x], K.gradients(function(x), x))([X])[0].tolist() == slopes


def test_a_row_of_zeros_has_a_finite_direction():
    """`x / |x|` of capsules: TensorFlow's root lets a gradient of zero be zero."""

    def squash(x):
        square = K.sum(K.square(x), axis=-1, keepdims=True)
        return x * square / ((1 + square) * (K.sqrt(square) + K.epsilon()))

    rows = np.array([[0.0, 0.0], [3.0, 4.0]], "float32")
    assert np.isfinite(jax.grad(lambda x: squash(x)[:, 0].sum())(rows)).all()
    np.testing.assert_allclose(jax.grad(K.sqrt)(4.0), 0.25)
    assert jax.grad(lambda x: K.sqrt(x) * 0.0)(0.0) == 0 and jax.grad(K.sqrt)(-1.0) == 0


def test_nan_stays_nan():
    nan = np.array([np.nan, 1.0], "float32")
    for function in (K.maximum, K.minimum):
        for a, b in ((nan, 0.5), (0.5, nan)):
            assert np.isnan(function(a, b)).tolist() == [True, False]


@pytest.mark.broadcasts
@pytest.mark.parametrize(
    "function",
    [
        lambda x: K.sqrt(K.sum(K.square(x))),
        lambda x: K.logsumexp(K.maximum(x, 0.5)),
        lambda x: K.binary_crossentropy(K.ones_like(x), K.sigmoid(x)).sum(),
        lambda x: K.foldl(lambda total, y: total + K.tanh(y), x),
        lambda x: K.rnn(lambda y, s: (s[0] * y, [s[0] * y]), x[None, :, None], [K.ones_like(x[:1, None])])[
            0
        ].sum(),
    ],
)
def test_transformations(function):
    x = jnp.asarray([0.3, 1.0, 2.0])
    slopes = jax.jit(jax.grad(function))(x)
    np.testing.assert_allclose(jax.jacfwd(function)(x), slopes, rtol=1e-5)
    step = 1e-2 * jnp.eye(3)
    differences = (jax.vmap(function)(x + step) - jax.vmap(function)(x - step)) / 2e-2
    np.testing.assert_allclose(differences, slopes, atol=2e-3)
    assert jax.hessian(function)(x).shape == (3, 3)


@pytest.mark.parametrize("power", [lambda x: K.pow(x, 0), lambda x: K.pow(x, 0.0), lambda x: x**0])
def test_the_gradient_of_a_power_of_zero_is_zero(power):
    v = K.variable(X)
    assert K.eval(power(v)).tolist() == [1, 1, 1]
    assert K.eval(K.gradients(power(v), v)[0]).tolist() == [0, 0, 0]


@pytest.mark.broadcasts
def test_a_weight_with_a_power_of_zero_is_trained():
    class Ones(Layer):
        def build(self, shape):
            self.w = self.add_weight(name="w", shape=(3,), initializer="ones")
            super().build(shape)

        def call(self, x):
            return x * K.pow(self.w, 0)

    model = Sequential([Ones(input_shape=(3,))])
    model.compile("sgd", "mse")
    assert model.train_on_batch(np.ones((2, 3)), np.zeros((2, 3))) == 1
    assert model.get_weights()[0].tolist() == [1, 1, 1]

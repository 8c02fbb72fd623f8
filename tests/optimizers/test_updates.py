"""get_updates and get_gradients: steps through K.function equal those of train_on_batch."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from jkeras import backend as K
from jkeras import optimizers
from jkeras.constraints import non_neg
from jkeras.layers import Dense
from jkeras.models import Sequential

X = np.linspace(-1, 1, 12).reshape(4, 3).astype("float32")
Y = np.linspace(2, 1, 4).reshape(4, 1).astype("float32")


def network():
    return Sequential([Dense(4, activation="tanh", input_dim=3, kernel_constraint=non_neg()), Dense(1)])


@pytest.mark.parametrize(
    "make",
    [
        lambda: optimizers.SGD(lr=0.1, momentum=0.9, decay=0.1, clipnorm=0.5),
        lambda: optimizers.Adam(lr=0.05),
        lambda: optimizers.RMSprop(lr=0.05, clipvalue=0.1),
        lambda: optimizers.Nadam(lr=0.05),
        lambda: optimizers.SGD(lr=lambda step: 0.1 / (1 + step)),
    ],
)
def test_steps_are_those_of_training(make):
    model, twin = network(), network()
    twin.set_weights(model.get_weights())
    model.compile(make(), "mse")
    target, optimizer = K.placeholder((None, 1)), make()
    loss = K.mean(K.square(twin.output - target))
    updates = optimizer.get_updates(loss=loss, params=twin.trainable_weights)
    step = K.function([twin.input, target], [loss], updates=updates)
    for _ in range(3):
        np.testing.assert_allclose(step([X, Y])[0], model.train_on_batch(X, Y), rtol=1e-5)
    for one, other in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
    assert K.get_value(optimizer.iterations) == 3


def test_gradients_are_clipped():
    w = K.variable([3.0, 4.0])
    loss = K.sum(K.square(w)) / 2

    def value(optimizer):
        return K.function([], optimizer.get_gradients(loss, [w]))([])[0].tolist()

    assert value(optimizers.SGD()) == [3.0, 4.0]
    assert value(optimizers.SGD(clipvalue=3.5)) == [3.0, 3.5]
    assert value(optimizers.SGD(clipnorm=1.0)) == pytest.approx([0.6, 0.8])


def test_the_call_of_keras_1():
    w = K.variable([2.0])
    updates = optimizers.SGD(lr=0.5).get_updates([w], {}, K.sum(w))
    K.function([], [], updates=updates)([])
    assert w.value.tolist() == [1.5]


def test_a_weight_that_the_loss_does_not_see():
    w, other = K.variable([2.0]), K.variable([1.0], name="other")
    with pytest.raises(ValueError, match="`None` for gradient.*other"):
        optimizers.SGD().get_updates(K.sum(w), [w, other])


def test_the_rate_may_change_between_steps():
    w, optimizer = K.variable([1.0]), optimizers.SGD(lr=0.5)
    step = K.function([], [], updates=optimizer.get_updates(K.sum(w), [w]))
    step([])
    K.set_value(optimizer.lr, 0.25)
    step([])
    assert w.value == jnp.array([0.25])

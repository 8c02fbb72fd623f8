"""Losses and updates as tensors; they say what training adds up and applies."""

from __future__ import annotations

import numpy as np
import pytest

from jkeras import backend as K
from jkeras.layers import (
    LSTM,
    BatchNormalization,
    Bidirectional,
    Dense,
    Input,
    Lambda,
    Layer,
    Masking,
    TimeDistributed,
)
from jkeras.models import Model, Sequential

X = np.random.RandomState(0).rand(8, 4).astype("float32")
Y = np.random.RandomState(1).rand(8, 1).astype("float32")


def mse(model, y=Y):
    return ((model.predict(X) - y) ** 2).mean()


def test_losses_of_layers():
    layer = Dense(3, kernel_regularizer="l2", bias_regularizer="l1", activity_regularizer="l1")
    x = Input((4,))
    y = layer(x)
    assert len(layer.losses) == 3 and len(layer.get_losses_for(None)) == 2
    (activity,) = layer.get_losses_for(x)
    assert activity is layer.get_losses_for([x])[0]
    np.testing.assert_allclose(K.eval(layer.losses[0]), 0.01 * (layer.get_weights()[0] ** 2).sum(), rtol=1e-5)
    value, out = K.function([x], [activity, y])([X])
    np.testing.assert_allclose(value, 0.01 * np.abs(out).sum(), rtol=1e-5)
    layer(Input((4,)))
    assert len(layer.losses) == 4 and len(Model(x, y).losses) == 3


def test_evaluate_is_the_sum_of_the_losses():
    inner = Sequential([Dense(3, kernel_regularizer="l2", activity_regularizer="l1", input_shape=(4,))])
    model = Sequential([inner, Dense(1, bias_regularizer="l2")])
    model.compile("sgd", "mse")
    assert len(model.losses) == 3
    added = sum(K.function([model.input], model.losses)([X]))
    np.testing.assert_allclose(model.evaluate(X, Y, verbose=0), mse(model) + added, rtol=1e-5)


def test_losses_of_wrappers():
    inner = Dense(2, kernel_regularizer="l2", activity_regularizer="l2")
    model = Sequential(
        [TimeDistributed(inner, input_shape=(3, 4)), Bidirectional(LSTM(2, kernel_regularizer="l1"))]
    )
    assert len(model.losses) == 4


def test_activity_of_a_masked_layer():
    x = Input((3, 4))
    model = Model(x, LSTM(2, return_sequences=True, activity_regularizer="l2")(Masking()(x)))
    data = np.random.RandomState(0).rand(2, 3, 4).astype("float32")
    data[:, 2] = 0
    value = K.function([x], model.losses)([data])[0]
    np.testing.assert_allclose(value, 0.01 * (model.predict(data) ** 2).sum(), rtol=1e-4)


class Taxed(Layer):
    """Adds a loss and counts its calls."""

    def build(self, input_shape):
        self.calls = self.add_weight(name="calls", shape=(), initializer="zeros", trainable=False)
        super().build(input_shape)

    def call(self, x):
        self.add_loss(K.sum(x) * 0.01, inputs=x)
        self.add_update(K.update_add(self.calls, 1.0), inputs=x)
        return x


def test_losses_and_updates_of_users_layers():
    layer = Taxed()
    model = Sequential([layer, Dense(1)])
    model.build((None, 4))
    model.compile("sgd", "mse")
    (loss,) = model.losses
    np.testing.assert_allclose(K.function([model.input], loss)([X]), X.sum() * 0.01, rtol=1e-5)
    (update,) = model.updates
    assert update.variable is layer.weights[0]
    model.fit(X, Y, batch_size=4, verbose=0)
    model.predict(X)
    assert layer.get_weights()[0] == 2
    K.function([model.input], [], updates=model.updates)([X])
    assert layer.get_weights()[0] == 3


def test_updates_of_batch_normalization():
    layer = BatchNormalization()
    x = Input((4,))
    layer(x)
    assert [u.variable.name.split("/")[1] for u in layer.updates] == ["moving_mean:0", "moving_variance:0"]
    assert len(layer.get_updates_for(x)) == 2 and layer.get_updates_for(None) == []
    layer.trainable = False
    assert layer.updates == []


def test_updates_of_stateful_layers():
    model = Sequential([LSTM(2, stateful=True, batch_input_shape=(2, 3, 4))])
    x = np.ones((2, 3, 4))
    first = K.function([model.input], model.output, updates=model.state_updates)([x])
    assert len(model.state_updates) == 2
    assert np.abs(first - model.predict(x)).max() > 1e-4


def test_add_loss_of_a_model_sees_new_values_of_variables():
    x = Input((4,))
    hidden = Dense(3)(x)
    model = Model(x, Dense(1)(hidden))
    scale = K.variable(1.0)
    model.add_loss(scale * K.mean(K.square(hidden)))
    model.compile("sgd", "mse")
    assert len(model.losses) == 1 and len(model.get_weights()) == 4
    added = model.evaluate(X, Y, verbose=0) - mse(model)
    K.set_value(scale, 3.0)
    np.testing.assert_allclose(model.evaluate(X, Y, verbose=0) - mse(model), 3 * added, rtol=1e-4)


def test_add_loss_of_inner_models_and_layers():
    x, outer = Input((4,)), Input((4,))
    layer = Dense(3)
    inner = Model(x, layer(x))
    inner.add_loss(K.mean(inner.output**2))
    layer.add_loss(K.sum(K.abs(layer.kernel)))
    model = Model(outer, Dense(1)(inner(outer)))
    model.compile("sgd", "mse")
    wanted = (inner.predict(X) ** 2).mean() + np.abs(layer.get_weights()[0]).sum()
    np.testing.assert_allclose(model.evaluate(X, Y, verbose=0) - mse(model), wanted, rtol=1e-4)


def test_added_loss_and_output_share_random_numbers():
    x = Input((50,))
    y = Lambda(lambda x: x + K.random_normal(K.shape(x)))(x)
    model = Model(x, y)
    model.add_loss(K.mean(K.square(y)))
    model.compile("sgd", "mse")
    zeros = np.zeros((4, 50))
    both = model.train_on_batch(zeros, zeros)
    one = Model(x, y)
    one.compile("sgd", "mse")
    assert 1.4 < both < 2.6 and 0.7 < one.train_on_batch(zeros, zeros) < 1.3
    draws = Model(x, [y, y])
    a, b = draws.predict(zeros)
    np.testing.assert_array_equal(a, b)


def test_add_update_of_a_model():
    x = Input((4,))
    model = Model(x, Dense(1)(x))
    count = K.variable(0.0)
    model.add_update(K.update_add(count, K.sum(x * 0) + 1.0), x)
    model.compile("sgd", "mse")
    model.fit(X, Y, batch_size=4, verbose=0)
    model.evaluate(X, Y, verbose=0)
    assert K.get_value(count) == 2 and len(model.updates) == 1


def test_losses_close_over_tensors_and_variables():
    x = Input((4,))
    hidden = Dense(3)(x)
    model = Model(x, Dense(1)(hidden))
    scale = K.variable(1.0)

    def loss(y_true, y_pred):
        return K.mean(K.square(y_true - y_pred), axis=-1) + scale * K.mean(K.square(hidden), axis=-1)

    def size(y_true, y_pred):
        return K.mean(hidden)

    model.compile("sgd", loss, metrics=[size])
    values = Model(x, hidden).predict(X)
    for factor in (1.0, 2.0):
        K.set_value(scale, factor)
        total, mean = model.evaluate(X, Y, verbose=0)
        np.testing.assert_allclose(total, mse(model) + factor * (values**2).mean(), rtol=1e-4)
        np.testing.assert_allclose(mean, values.mean(), rtol=1e-4)
    before = model.layers[1].get_weights()[0]
    model.train_on_batch(X, Y)
    assert np.abs(model.layers[1].get_weights()[0] - before).max() > 0


def test_a_loss_over_another_graph_is_refused():
    x, stranger = Input((4,)), Input((4,), name="stranger")
    model = Model(x, Dense(1)(x))
    with pytest.raises(ValueError, match="disconnected.*stranger"):
        model.compile("sgd", lambda y_true, y_pred: K.mean(y_pred) + K.mean(stranger))


def test_what_was_given_to_a_shared_layer_for_another_model_stays_there():
    """Keras 2.2.4: 11 and 0."""
    x, z, shared = Input((3,)), Input((3,)), Dense(2, kernel_initializer="ones")
    first = Model(x, shared(x))
    shared.add_loss(K.sum(first.output), inputs=x)
    shared.add_loss(K.sum(shared.kernel))
    second = Model(z, shared(z))
    data = np.arange(12.0).reshape(4, 3) / 12
    for model, extra in ((first, 11.0), (second, 0.0)):
        model.compile("sgd", "mse")
        found = model.evaluate(data, model.predict(data), verbose=0)
        np.testing.assert_allclose(found, extra + 6, rtol=1e-5)
    assert (len(first.losses), len(second.losses)) == (2, 1)
    second.add_loss(K.sum(x))
    with pytest.raises(ValueError, match="Graph disconnected"):
        second.compile("sgd", "mse")
        second.predict(data)

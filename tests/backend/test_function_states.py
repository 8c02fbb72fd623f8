"""K.function with layers that keep states: what is written is seen only after the run, as in Keras 2.2.4."""

from __future__ import annotations

import numpy as np
import pytest

from jkeras import backend as K
from jkeras.layers import GRU, LSTM, RNN, BatchNormalization, Dropout, Input, SimpleRNN, SimpleRNNCell
from jkeras.models import Model, Sequential
from jkeras.optimizers import SGD

X = np.linspace(-1, 1, 12).reshape(2, 3, 2).astype("float32")
OTHER = X[::-1] * 0.5
ROWS = np.array([[1, 2], [3, 4], [0, 3]], "float32")
# the first number of three runs with updates, and of the gradient of the sum with respect to the input
RECORDED = {
    LSTM: ([0.0827, 0.1096, 0.1176], [-0.0409, -0.0531, -0.0562]),
    GRU: ([0.4354, 0.5595, 0.5907], [0.0044, -0.0239, -0.0301]),
    SimpleRNN: ([-0.2013, -0.0611, -0.1009], [-0.2791, -0.3019, -0.3156]),
}
CLOSE = dict(rtol=1e-5, atol=6e-5)


def filled(layer):
    """The layer, with matrices that do not depend on random numbers."""
    weights = layer.get_weights()
    layer.set_weights([np.linspace(-0.7, 0.9, w.size).reshape(w.shape) for w in weights])
    return layer


@pytest.mark.parametrize("kind", RECORDED, ids=lambda c: c.__name__)
def test_a_run_starts_from_the_states_before_it(kind):
    layer, x = kind(2, stateful=True), Input(batch_shape=(2, 3, 2))
    y = layer(x)
    filled(layer)
    outputs, slopes = RECORDED[kind]
    (gradient,) = K.gradients(K.sum(y), x)
    run = K.function([x], [y, gradient], updates=layer.updates)
    found = [run([X]) for _ in range(3)]
    np.testing.assert_allclose([y[0, 0] for y, _ in found], outputs, **CLOSE)
    np.testing.assert_allclose([g[0, 0, 0] for _, g in found], slopes, **CLOSE)
    np.testing.assert_allclose(K.get_value(layer.states[0]), found[-1][0], rtol=1e-6)

    layer.reset_states()
    alone = K.function([x], [y, gradient])  # without updates nothing is carried on
    for _ in range(2):
        np.testing.assert_allclose(alone([X])[1][0, 0, 0], slopes[0], **CLOSE)
    weights = K.gradients(K.sum(y), layer.trainable_weights)
    beside = K.function([x], [*weights, y])([X])[:-1]
    for a, b in zip(beside, K.function([x], weights)([X]), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


@pytest.mark.parametrize("run", ["K.function", "predict", "inside"])
def test_every_call_of_a_shared_stateful_layer_starts_from_the_same_states(run):
    layer = LSTM(2, stateful=True)
    a, b = Input(batch_shape=(2, 3, 2)), Input(batch_shape=(2, 3, 2))
    outputs = [layer(a), layer(b)]
    filled(layer)
    model = Model([a, b], outputs)
    if run == "inside":
        model = Model([a, b], model([a, b]))
    if run == "K.function":
        found = K.function([a, b], outputs, updates=layer.updates)([X, OTHER])
    else:
        found = model.predict([X, OTHER], batch_size=2)
    np.testing.assert_allclose(found[0][0], [0.0827, 0.1664], **CLOSE)
    np.testing.assert_allclose(found[1][0], [0.1634, 0.3456], **CLOSE)
    np.testing.assert_allclose(K.get_value(layer.states[0]), found[1], rtol=1e-6)


@pytest.mark.parametrize("phase", [0, 1])
def test_statistics_move_once_in_either_phase(phase):
    x, layer = Input((2,)), BatchNormalization(momentum=0.5)
    y = layer(x)
    run = K.function([x, K.learning_phase()], [y], updates=layer.updates)
    first = run([ROWS, phase])[0]
    np.testing.assert_allclose(layer.get_weights()[2], ROWS.mean(0) / 2, rtol=1e-6)
    np.testing.assert_allclose(first[0], [[0.9995, 1.999], [-0.2672, -1.2238]][phase], **CLOSE)
    run([ROWS, phase])
    np.testing.assert_allclose(layer.get_weights()[2], ROWS.mean(0) * 0.75, rtol=1e-6)


def test_every_call_of_a_shared_normalization_counts():
    a, b, layer = Input((2,)), Input((2,)), BatchNormalization(momentum=0.5)
    outputs = [layer(a), layer(b)]
    run = K.function([a, b, K.learning_phase()], outputs, updates=layer.updates)
    run([ROWS, 2 * ROWS, 1])
    np.testing.assert_allclose(layer.get_weights()[2], 1.5 * ROWS.mean(0), rtol=1e-6)


def test_updates_that_add_are_added_up():
    v = K.variable(1.0)
    K.function([], [], updates=[K.update_add(v, 1.0), K.update_add(v, 1.0), K.update_sub(v, 4.0)])([])
    assert K.get_value(v) == -1
    K.function([], [], updates=[K.update_add(v, 1.0), K.update(v, K.constant(7.0))])([])
    assert K.get_value(v) == 7


def test_states_are_those_of_the_outputs_also_with_dropout():
    layer, x = LSTM(4, stateful=True, dropout=0.5, recurrent_dropout=0.5), Input(batch_shape=(2, 3, 2))
    y = layer(x)
    run = K.function([x, K.learning_phase()], [y], updates=layer.updates)
    for _ in range(2):
        np.testing.assert_allclose(run([X, 1])[0], K.get_value(layer.states[0]), rtol=1e-6)


def test_updates_of_a_model_with_states_and_statistics():
    inner = Sequential([BatchNormalization(momentum=0.5, batch_input_shape=(2, 3, 2))])
    inner.add(RNN(SimpleRNNCell(2), stateful=True))
    inner.add(Dropout(0.5))
    x = Input(batch_shape=(2, 3, 2))
    y = inner(x)
    model = Model(x, y)
    K.function([x, K.learning_phase()], [y], updates=model.updates)([X, 0])
    np.testing.assert_allclose(inner.get_weights()[2], X.mean((0, 1)) / 2, atol=1e-6)
    assert len(model.updates) == 3
    again = model.predict(X, batch_size=2)
    assert np.abs(again - K.function([x], [y])([X])[0]).max() > 0  # the states have moved on


@pytest.mark.parametrize("inside", [False, True])
def test_statistics_move_in_training_under_a_fixed_phase(inside):
    """As in Keras: the phase fixes what the layer gives, not whether its statistics move."""
    K.set_learning_phase(0)
    try:
        x, layer = Input((2,)), BatchNormalization(momentum=0.5)
        model = Model(x, layer(x))
        if inside:
            model = Model(y := Input((2,)), model(y))
    finally:
        K.clear_session()
    model.compile(SGD(lr=0.0), "mse")
    loss = model.train_on_batch(ROWS, ROWS)
    assert loss < 1e-4  # it gave its input back
    np.testing.assert_allclose(layer.get_weights()[2], ROWS.mean(0) / 2, rtol=1e-6)
    assert len(layer.updates) == 2
    before = layer.get_weights()
    model.predict(ROWS)
    model.evaluate(ROWS, ROWS, verbose=0)
    for a, b in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)

"""Cells of the user's: objects that are no layers, what cells add to the loss, where sequences start.

The numbers are those of Keras 2.2.4.
"""

from __future__ import annotations

import numpy as np
import pytest

from jkeras import backend as K
from jkeras import initializers, regularizers
from jkeras.core.registry import CustomObjectScope
from jkeras.layers import (
    GRU,
    LSTM,
    RNN,
    Bidirectional,
    ConvLSTM2D,
    Dense,
    Input,
    InputSpec,
    Layer,
    LSTMCell,
    Masking,
    SimpleRNN,
    SimpleRNNCell,
    StackedRNNCells,
    TimeDistributed,
)
from jkeras.models import Model, Sequential

X = np.arange(12.0).reshape(1, 4, 3) / 10
LAST = [[1.48, 2.14]]
LONE = {"kernel_initializer": "ones", "recurrent_initializer": "ones"}


class Adding:
    """No layer; its weight is a variable."""

    def __init__(self, units=2, dim=3):
        self.units = self.state_size = units
        self.kernel = K.variable(np.arange(float(dim * units)).reshape(dim, units) / 10)

    def call(self, inputs, states):
        output = K.dot(inputs, self.kernel) + states[0]
        return output, [output]

    def get_config(self):
        return {"units": self.units, "dim": K.int_shape(self.kernel)[0]}


class Built:
    """No layer; what it needs is made in `build`."""

    state_size = 2

    def __init__(self, make):
        self.make, self.builds = make, 0

    def build(self, input_shape):
        self.kernel = self.make((input_shape[-1], 2))
        self.builds += 1

    def call(self, inputs, states):
        output = K.dot(inputs, self.kernel) + states[0]
        return output, [output]


class Phased:
    state_size = 3

    def call(self, inputs, states, training=None):
        output = K.in_train_phase(inputs * 2, inputs, training=training) + states[0]
        return output, [output]


def predicted(layer, *calls, x=X, **words):
    inputs = Input(x.shape[1:])
    return Model(inputs, layer(*calls, inputs, **words)).predict(x)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: RNN(Adding()), LAST),
        (lambda: RNN(Adding(), unroll=True), LAST),
        (lambda: RNN(Adding(), go_backwards=True), LAST),
        (lambda: RNN([Adding(), Adding(2, 2)]), [[0.8, 1.48]]),
        (lambda: RNN(StackedRNNCells([Adding(), Adding(2, 2)])), [[0.8, 1.48]]),
        (lambda: RNN(Built(initializers.get("ones"))), [[6.6, 6.6]]),
        (lambda: RNN(Built(lambda shape: K.variable(np.ones(shape)))), [[6.6, 6.6]]),
        (lambda: RNN(Phased()), X.sum(1)),
    ],
    ids=["plain", "unrolled", "backwards", "list", "stacked", "initializer", "variable", "phase"],
)
def test_a_cell_that_is_no_layer(make, expected):
    np.testing.assert_allclose(predicted(make()), expected, rtol=1e-5)


def test_such_a_cell_inside_of_wrappers():
    twice = np.stack([X, X], 1)
    np.testing.assert_allclose(predicted(TimeDistributed(RNN(Adding())), x=twice), [LAST * 2], rtol=1e-5)
    with CustomObjectScope({"Adding": Adding}):
        both = Bidirectional(RNN(Adding()))
    np.testing.assert_allclose(predicted(both), [LAST[0] * 2], rtol=1e-5)


def test_such_a_cell_follows_its_variable_and_training_leaves_it():
    cell = Adding()
    model = Sequential([RNN(cell, input_shape=(4, 3)), Dense(1)])
    model.compile("sgd", "mse")
    before = K.get_value(cell.kernel)
    model.fit(X, np.zeros((1, 1)), verbose=0)
    assert len(model.weights) == len(model.trainable_weights) == 2
    np.testing.assert_array_equal(K.get_value(cell.kernel), before)
    K.set_value(cell.kernel, np.zeros((3, 2)))
    np.testing.assert_allclose(model.predict(X), model.get_weights()[1][None], rtol=1e-6)


def test_build_of_such_a_cell_is_called_where_nothing_was_made_yet():
    cell = Built(initializers.get("ones"))
    cell.build((None, 3))
    np.testing.assert_allclose(predicted(RNN(cell)), [[6.6, 6.6]], rtol=1e-5)
    assert cell.builds == 1


def test_the_phase_reaches_such_a_cell():
    np.testing.assert_allclose(predicted(RNN(Phased()), training=True), 2 * X.sum(1), rtol=1e-5)


# What cells add ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [SimpleRNN, GRU, LSTM])
def test_a_standard_cell_shows_the_weights_and_losses_of_its_layer(kind):
    layer = kind(3, kernel_regularizer="l1", recurrent_regularizer="l1", bias_regularizer="l2")
    layer.build((None, None, 4))
    assert len(layer.losses) == len(layer.cell.losses) == 3
    assert layer.cell.weights == layer.weights and layer.cell.kernel is layer.kernel
    layer.cell.trainable = False
    assert (layer.trainable_weights, len(layer.non_trainable_weights)) == ([], 3)
    layer.cell.trainable, layer.trainable = True, False
    assert (layer.trainable_weights, len(layer.cell.trainable_weights)) == ([], 3)


def test_a_frozen_cell_is_not_trained():
    layer = LSTM(2, input_shape=(4, 3))
    model = Sequential([layer, Dense(1)])
    layer.cell.trainable = False
    model.compile("sgd", "mse")
    before = layer.get_weights()
    model.fit(X, np.ones((1, 1)), verbose=0)
    for old, new in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(new, old)


def test_what_stacked_cells_add_is_the_layers():
    cells = [LSTMCell(3), LSTMCell(3, kernel_regularizer="l2")]
    layer = RNN(cells)
    layer.build((None, None, 5))
    assert len(layer.losses) == len(layer.cell.losses) == 1
    x = Input((None, 5))
    y = K.sum(x)
    cells[0].add_loss(y, inputs=x)
    cells[1].add_update((cells[1].kernel, cells[1].kernel * 2))
    assert layer.get_losses_for(x) == layer.cell.get_losses_for(x) == [y]
    assert len(layer.losses) == 2 and len(layer.get_losses_for(None)) == 1
    assert len(layer.updates) == len(layer.cell.updates) == len(layer.get_updates_for(None)) == 1
    assert layer.get_updates_for(x) == []


def test_a_loss_given_to_a_cell_counts_in_training():
    cells = [LSTMCell(3), LSTMCell(3)]
    x = Input((4, 3))
    out = RNN(cells)(x)
    cells[0].add_loss(K.sum(x), inputs=x)
    model = Model(x, out)
    model.compile("sgd", "mse")
    target = model.predict(X)
    np.testing.assert_allclose(model.evaluate(X, target, verbose=0), X.sum(), rtol=1e-5)


def test_losses_of_a_layer_called_on_a_variable():
    words = {"kernel_regularizer": "l1", "recurrent_regularizer": "l1", "bias_regularizer": "l2"}
    layer = ConvLSTM2D(2, (3, 3), padding="same", activity_regularizer="l2", **words)
    layer.build((1, 2, 4, 4, 1))
    assert len(layer.losses) == 3
    x = K.variable(np.ones((1, 2, 4, 4, 1)))
    output = layer(x)
    assert len(layer.losses) == 4 and len(layer.get_losses_for(x)) == 1
    assert layer.cell.get_losses_for(x) == [] and K.eval(output).shape == (1, 4, 4, 2)


# Where sequences start --------------------------------------------------------------------------------------


def test_initial_states_of_tensors_and_arrays():
    shapes = [K.int_shape(state) for state in LSTM(3).get_initial_state(Input((4, 3)))]
    assert shapes == [(None, 3), (None, 3)]
    states = RNN([Adding(), LSTMCell(1)]).get_initial_state(K.variable(X))
    assert [K.eval(state).tolist() for state in states] == [[[0.0, 0.0]], [[0.0]], [[0.0]]]
    assert ConvLSTM2D(2, (3, 3)).get_initial_state(np.ones((1, 2, 5, 5, 1)))[1].shape == (1, 3, 3, 2)


def test_a_subclass_says_where_sequences_start():
    class Threes(RNN):
        def get_initial_state(self, inputs):
            return [K.ones_like(state) * 3 for state in super().get_initial_state(inputs)]

    class Ones(LSTM):
        def get_initial_state(self, inputs):
            return [K.ones_like(state) for state in super().get_initial_state(inputs)]

    np.testing.assert_allclose(predicted(Threes(Adding())), [[4.48, 5.14]], rtol=1e-5)
    np.testing.assert_allclose(predicted(Ones(2, **LONE)), [[0.9999, 0.9999]], rtol=1e-5)


# Subclasses that extend `call` ------------------------------------------------------------------------------

HALF = np.ones((1, 4, 3)) * [[[1], [1], [0], [0]]]


class Handing(LSTM):
    def call(self, x, mask=None, training=None, initial_state=None):
        return super().call(x, mask, training, initial_state)


class Forgetting(LSTM):
    def call(self, x, mask=None, training=None, initial_state=None):
        return super().call(x)


class Starting(LSTM):
    def call(self, x, mask=None, training=None, initial_state=None):
        return super().call(x, mask, training, [K.ones((1, 2)) * 2, K.zeros((1, 2))])


@pytest.mark.parametrize(
    ("layer", "x", "expected"),
    [
        (lambda: Handing(2, **LONE), X * HALF, 0.53368),
        (lambda: Forgetting(2, **LONE), HALF, 0.85063),
        (lambda: Starting(2, **LONE), np.full((1, 4, 3), 1e-3), 0.81454),
    ],
    ids=["handed on", "not handed on", "initial state"],
)
def test_call_of_a_subclass_hands_on_what_it_wants(layer, x, expected):
    inputs = Input((4, 3))
    model = Model(inputs, layer()(Masking()(inputs)))
    np.testing.assert_allclose(model.predict(x), [[expected] * 2], rtol=1e-4)


def test_what_layers_have_as_attributes_may_be_properties_of_a_subclass():
    """As in LSTM-FCN, whose layer tells what its cell has."""

    class Own(RNN):
        def __init__(self, units, activity_regularizer=None, **kwargs):
            cell = SimpleRNNCell(
                units, kernel_initializer="ones", recurrent_initializer="ones", activation=None
            )
            cell.activity_regularizer = regularizers.get(activity_regularizer)
            super().__init__(cell, **kwargs)

        @property
        def activity_regularizer(self):
            return self.cell.activity_regularizer

    x = np.ones((2, 2, 3), "float32")
    model = Sequential([Own(1, activity_regularizer=regularizers.l1(0.5), input_shape=(2, 3))])
    np.testing.assert_allclose(model.predict(x), [[6], [6]])
    model.compile("sgd", "mse")
    assert model.evaluate(x, model.predict(x), verbose=0) == pytest.approx(0.5 * 12)


def test_of_a_cell_only_its_call_runs():
    """A recurrent layer of Keras looks neither at its cell's `input_spec` nor at its activity regularizer."""

    class Cell(Layer):
        state_size = 2

        def __init__(self):
            super().__init__()
            self.input_spec = [InputSpec(ndim=3)]
            self.activity_regularizer = regularizers.l1(0.5)

        def call(self, x, states):
            return x + states[0], [x + states[0]]

    x = np.arange(6, dtype="float32").reshape(1, 3, 2)
    model = Sequential([RNN(Cell(), input_shape=(3, 2))])
    np.testing.assert_allclose(model.predict(x), x.sum(1))
    model.compile("sgd", "mse")
    assert model.evaluate(x, x.sum(1), verbose=0) == 0

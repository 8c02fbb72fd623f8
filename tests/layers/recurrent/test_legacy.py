"""Recurrent as a base class; the numbers are those of Keras 2.2.4."""

from __future__ import annotations

import numpy as np
import pytest

from jkeras import backend as K
from jkeras.engine.call.checks import InputSpec
from jkeras.layers import Bidirectional, Dense, Input, Masking, Recurrent
from jkeras.models import Model, Sequential

X = np.arange(12.0).reshape(1, 4, 3) / 12
FORWARD, BACKWARD = [0.54996, 0.80043, 0.97001, 1.10055], [0.96212, 0.99482, 0.87906, 0.72205]


class Stepping(Recurrent):
    """As packages write it: weights and states in `build`, a `step`."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units, self.state_spec = units, InputSpec(shape=(None, units))

    def build(self, input_shape):
        shape = input_shape[0] if isinstance(input_shape, list) else input_shape
        self.input_spec[0] = InputSpec(shape=(shape[0] if self.stateful else None, None, shape[2]))
        self.states = [None]
        if self.stateful:
            self.reset_states()
        self.kernel = self.add_weight(shape=(shape[2], self.units), name="kernel", initializer="ones")
        self.inner = self.add_weight(shape=(self.units, self.units), name="inner", initializer="ones")
        self.built = True

    def preprocess_input(self, x, training=None):
        return x * 2

    def get_constants(self, x, training=None):
        return [K.constant(0.5)]

    def step(self, x, states):
        h = K.tanh((K.dot(x, self.kernel) + K.dot(states[0], self.inner)) * 0.1) + states[1]
        return h, [h]


def near(found, expected):
    np.testing.assert_allclose(np.asarray(found)[..., 0].ravel(), expected, rtol=1e-4)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({}, FORWARD[-1:]),
        ({"return_sequences": True}, FORWARD),
        ({"return_sequences": True, "go_backwards": True}, BACKWARD),
        ({"unroll": True}, FORWARD[-1:]),
    ],
)
def test_over_time(words, expected):
    inputs = Input((4, 3))
    output = Stepping(2, **words)(inputs)
    assert output.shape == ((None, 4, 2) if "return_sequences" in words else (None, 2))
    near(Model(inputs, output).predict(X), expected)


def test_masked_steps_keep_the_state():
    inputs = Input((4, 3))
    output = Stepping(2, return_sequences=True)(Masking()(inputs))
    half = X * [[[1], [1], [0], [0]]]
    near(Model(inputs, output).predict(half), [*FORWARD[:2], FORWARD[1], FORWARD[1]])
    assert output.mask_spec is not None


def test_the_states_come_out_and_are_kept():
    inputs = Input((4, 3))
    outputs = Stepping(2, return_state=True, return_sequences=True)(inputs)
    sequence, state = Model(inputs, outputs).predict(X)
    near(sequence, FORWARD)
    near(state, FORWARD[-1:])
    inputs, layer = Input(batch_shape=X.shape), Stepping(2, stateful=True)
    model = Model(inputs, layer(inputs))
    found = [model.predict(X)[0, 0] for _ in range(3)]
    model.reset_states()
    found.append(model.predict(X)[0, 0])
    layer.reset_states(np.ones((1, 2)))
    found.append(model.predict(X)[0, 0])
    np.testing.assert_allclose(found, [1.10055, 1.10131, 1.10131, 1.10055, 1.10124], rtol=1e-5)


@pytest.mark.parametrize("way", ["keyword", "list", "variable"])
def test_initial_states(way):
    inputs, start, layer = Input((4, 3)), Input((2,)), Stepping(2)
    if way == "variable":
        model = Model(inputs, layer(inputs, initial_state=K.variable(np.ones((1, 2)))))
        near(model.predict(X), [1.10124])
        return
    output = layer(inputs, initial_state=start) if way == "keyword" else layer([inputs, start])
    near(Model([inputs, start], output).predict([X, np.ones((1, 2))]), [1.10124])


def test_training_configs_and_both_ways():
    """The weights after a step are those of the derivative by differences."""
    model = Sequential([Stepping(2, input_shape=(4, 3)), Dense(1, kernel_initializer="ones")])
    model.compile("sgd", "mse")
    model.fit(X, np.ones((1, 1)), epochs=3, verbose=0)
    kernel, inner, last, bias = model.get_weights()
    np.testing.assert_allclose(kernel[:, 0], [0.9930, 0.9922, 0.9913], atol=6e-5)
    np.testing.assert_allclose([inner[0, 0], last[0, 0], bias[0]], [0.9953, 0.9262, -0.0671], atol=6e-5)
    again = Sequential.from_config(model.get_config(), custom_objects={"Stepping": Stepping})
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    inputs = Input((4, 3))
    both = Model(inputs, Bidirectional(Stepping(2, return_sequences=True))(inputs)).predict(X)
    near(both[..., :1], FORWARD)
    near(both[..., 2:3], BACKWARD[::-1])


def test_what_it_refuses():
    with pytest.raises(TypeError, match="define `step`"):
        Recurrent()

    class NoStep(Recurrent):
        units = 2

        def build(self, input_shape):
            self.states, self.built = [None], True

    with pytest.raises(TypeError, match="must define step"):
        NoStep()(Input((4, 2)))
    with pytest.raises(AttributeError, match="must be stateful"):
        Stepping(2).reset_states()
    with pytest.raises(ValueError, match="must know its batch size"):
        Stepping(2, stateful=True)(Input((4, 3)))
    with pytest.raises(ValueError, match="expects 2 inputs, but it was called on 3"):
        Stepping(2)([Input((4, 3)), Input((2,)), Input((2,))])

"""Calls that a layer's own `__call__` records, as recurrentshop does: as if the layer had been called."""

from __future__ import annotations

import numpy as np
import pytest

from jkeras import backend as K
from jkeras.engine.base_layer import InputSpec, Node
from jkeras.engine.topology import Node as OfTopology
from jkeras.layers import Activation, Dense, Dropout, Embedding, Input, Layer
from jkeras.models import Model

X = np.random.RandomState(0).uniform(-1, 1, (8, 4, 3)).astype("float32")
Y = np.random.RandomState(1).uniform(-1, 1, (8, 2)).astype("float32")


class Placeholder(Layer):
    """A layer that a constant comes in by."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.tensor = K.zeros((2,))
        self.tensor._keras_history = (self, 0, 0)
        Node(self, [], [], [], [], [self.tensor], [None], [None], [], [(2,)])


class Steps(Layer):
    """`tanh(s + dense(x))` from step to step; what `call` gives on tensors is recorded by hand."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units, self.dense, self.drop = units, Dense(units, activation="tanh", name="d"), Dropout(0.5)

    def __call__(self, x, **kwargs):
        state = Placeholder()._inbound_nodes[0].output_tensors[0]
        y = self.call([x, state])
        self._add_inbound_node([x, state], y, None, None, K.int_shape(x), K.int_shape(y), arguments=kwargs)
        return y

    def call(self, inputs, mask=None):
        x, state = inputs
        assert isinstance(state._keras_history[0], Placeholder)  # there is none among arrays

        def step(x, states):
            x._uses_learning_phase = False
            del x._keras_shape
            new = K.tanh(states[0] + self.dense(x))
            return new, [new]

        zeros = K.zeros_like(x)[[slice(None), 0, 0]]
        start = K.tile(K.reshape(zeros, (-1, 1)), (1, self.units))
        return self.drop(K.rnn(step, x, [start])[0])


@pytest.mark.broadcasts
def test_what_was_computed_belongs_to_the_layer():
    x = Input((4, 3))
    layer = Steps(2, name="steps")
    y = layer(x)
    assert y._keras_history[:2] == (layer, 0) and y is layer.output and layer.input is x
    assert (
        isinstance(layer._inbound_nodes[0], Node)
        and isinstance(Dense(1)(y).node, Node)
        and OfTopology is Node
    )
    model = Model(x, y)
    assert [inner.name for inner in model.layers][1:] == ["steps"] and y._uses_learning_phase
    assert [w.name for w in model.trainable_weights] == ["d/kernel:0", "d/bias:0"]
    kernel = np.linspace(-1, 1, 6, dtype="float32").reshape(3, 2)
    layer.set_weights([kernel, np.zeros(2)])
    state = np.zeros((8, 2))
    for t in range(4):
        state = np.tanh(state + np.tanh(X[:, t] @ kernel))
    np.testing.assert_allclose(model.predict(X), state, rtol=1e-4, atol=1e-5)
    model.compile("sgd", "mse")
    assert np.mean((model.predict(X) - Y) ** 2) != model.train_on_batch(X, Y)  # there is dropout
    for _ in range(30):
        model.train_on_batch(X, Y)
    assert np.abs(layer.get_weights()[0] - kernel).max() > 0.01
    other = Input((4, 3))
    np.testing.assert_allclose(Model(other, model(other)).predict(X), model.predict(X), rtol=1e-4, atol=1e-5)


def test_masks_and_several_outputs():
    class Both(Layer):
        supports_masking = True

        def __call__(self, x):
            double = x * 2.0
            outputs = [double, double + 1.0]
            self._add_inbound_node(x, outputs)
            return outputs

        def call(self, inputs, mask=None):
            return None

        def compute_mask(self, inputs, mask=None):
            return [mask, None]

    i = Input((3,))
    x = Embedding(4, 1, mask_zero=True, embeddings_initializer="ones")(i)
    first, second = Both()(x)
    assert K.int_shape(first.node.output_masks[0]) == (None, 3) and first.node.output_masks[1] is None
    model = Model(i, [Activation("linear")(first), second])
    assert [y.ravel().tolist() for y in model.predict(np.array([[1, 0, 2]]))] == [[2, 2, 2], [3, 3, 3]]


def test_its_own_call_takes_what_it_wants():
    class Sum(Layer):
        input_spec = InputSpec(ndim=2)  # of the first, says its `__call__`

        def __call__(self, x, initial):
            y = x + initial
            self._add_inbound_node([x, initial], y)
            return y

        def call(self, inputs):
            return None

    a, b = Input((3,)), Input((3,))
    model = Model([a, b], Sum()(a, b))
    assert model.predict([np.ones((2, 3)), np.full((2, 3), 2.0)]).tolist() == [[3, 3, 3]] * 2


def test_what_cannot_be_made_by_hand():
    x, other = Input((3,)), Input((3,))
    with pytest.raises(ValueError, match="'dense_by_hand' .* computes its outputs from its weights"):
        Dense(2, name="dense_by_hand")._add_inbound_node(x, x * 2.0)

    class Own(Layer):
        def call(self, inputs):
            return inputs

    with pytest.raises(ValueError, match="is an input and an output of one call"):
        Own()._add_inbound_node(x, x)
    with pytest.raises(ValueError, match="Graph disconnected"):
        Own()._add_inbound_node(x, x + other)

"""Calls of layers as Keras names them: nodes, indices, masks, phases."""

from __future__ import annotations

import numpy as np
import pytest

from jkeras import backend as K
from jkeras.core.lists import as_list
from jkeras.layers import LSTM, Add, Dense, Dropout, Embedding, Input, Lambda, Layer, concatenate
from jkeras.models import Model

VIEWS = ("input", "output", "input_shape", "output_shape", "input_mask", "output_mask")


@pytest.fixture
def shared():
    """A layer that was called twice on inputs of one rank, once on another."""
    a, b, c = Input((3,), name="a"), Input((3,), name="b"), Input((4, 3), name="c")
    layer = Dense(2, name="shared")
    return layer, (a, b, c), (layer(a), layer(b), layer(c))


def test_each_call_by_its_number(shared):
    layer, inputs, outputs = shared
    for i in range(3):
        assert layer.get_input_at(i) is inputs[i] and layer.get_output_at(i) is outputs[i]
        assert layer.get_input_shape_at(i) == inputs[i].shape
        assert layer.get_output_shape_at(i) == outputs[i].shape
        assert layer.get_input_mask_at(i) is layer.get_output_mask_at(i) is None
    with pytest.raises(ValueError, match="'shared' at node 3, but it has 3 nodes"):
        layer.get_output_at(3)


@pytest.mark.parametrize("view", VIEWS)
def test_what_is_ambiguous_says_how_to_ask(shared, view):
    for kind in (AttributeError, AssertionError):
        with pytest.raises(kind, match=rf"'shared' has multiple inbound nodes.*get_{view}_at\(node_index\)"):
            getattr(shared[0], view)
    assert not hasattr(shared[0], view)
    assert not hasattr(Dense(1), view)


def test_shapes_that_agree_are_not_ambiguous():
    layer = Dense(2)
    layer(Input((3,)))
    layer(Input((3,)))
    assert (layer.input_shape, layer.output_shape) == ((None, 3), (None, 2))


def test_a_node_in_the_words_of_keras(shared):
    layer, (a, b, _), (x, y, _) = shared
    add = Add(name="add")
    total = add([x, y])
    (node,) = add._inbound_nodes
    assert node.outbound_layer is add and node.inbound_layers == [layer, layer]
    assert (node.node_indices, node.tensor_indices, node.arguments) == ([0, 1], [0, 0], {})
    assert (node.input_tensors, node.output_tensors) == ([x, y], [total])
    assert (node.input_shapes, node.output_shapes) == ([(None, 2)] * 2, [(None, 2)])
    assert (node.input_masks, node.output_masks) == ([None, None], [None])
    assert node.get_config() == {
        "outbound_layer": "add",
        "inbound_layers": ["shared", "shared"],
        "node_indices": [0, 1],
        "tensor_indices": [0, 0],
    }
    assert layer._outbound_nodes == [node, node]
    assert [t._keras_history for t in (a, y)] == [(a.node.owner, 0, 0), (layer, 1, 0)]
    (entry,) = a.node.owner._inbound_nodes
    assert entry.inbound_layers == [] and entry.input_tensors == entry.output_tensors == [a]


def test_masks_of_a_call():
    embedding, lstm = Embedding(5, 2, mask_zero=True), LSTM(3, return_sequences=True, return_state=True)
    x = Input((4,))
    outputs = lstm(embedding(x))
    assert embedding.input_mask is None and lstm.output_mask is not None
    assert lstm.get_input_mask_at(0).shape == (None, 4)
    first, *states = lstm.get_output_mask_at(0)
    assert states == [None, None] and lstm._inbound_nodes[0].output_masks[0].shape == first.shape
    wanted = np.array([[True, False, True, False]])
    assert (K.function([x], [first])([np.array([[1, 0, 2, 0]])])[0] == wanted).all()
    model = Model(x, outputs)
    assert [m is None for m in as_list(model.compute_mask(x))] == [False, True, True]


def test_a_model_runs_on_other_tensors():
    a, b = Input((3,)), Input((4, 3))
    model = Model(a, Dense(2)(a))
    y, mask, shape = model.run_internal_graph([b])
    assert (y.shape, mask, shape) == ((None, 4, 2), None, (None, 4, 2))
    assert model.call(b, None).shape == (None, 4, 2)
    assert model.output_shape == (None, 2)


class Noisy(Dropout):
    """Dropout that does not stop after training."""

    def call(self, inputs):
        return super().call(inputs, training=True)


class Phased(Layer):
    def call(self, x):
        return K.in_train_phase(x * 2, x)


def test_a_subclass_may_choose_the_phase_of_its_base():
    a = Input((50,))
    assert np.any(np.equal(Model(a, Noisy(0.5)(a)).predict(np.ones((2, 50))), 0))


@pytest.mark.parametrize(
    "make, differs",
    [
        (lambda a: a, False),
        (Dense(2), False),
        (lambda a: Dense(2)(Dropout(0.5)(a)), True),
        (lambda a: Dropout(0.5)(a, training=True), False),
        (Phased(), True),
        (lambda a: Model(a, Phased()(a))(a), True),
        (lambda a: K.in_train_phase(a * 2, a), True),
        (lambda a: a * 2, False),
        (Lambda(lambda a: K.in_train_phase(a * 2, a)), True),
    ],
)
def test_which_tensors_depend_on_the_phase(make, differs):
    a = Input((3,))
    y = make(a)
    assert y._uses_learning_phase is differs
    assert Model(a, y).uses_learning_phase is differs


def test_a_layer_may_say_that_phases_differ():
    layer = Lambda(lambda x: x)
    assert not layer.uses_learning_phase
    layer.uses_learning_phase = True
    assert layer.uses_learning_phase and layer(Input((3,)))._uses_learning_phase


def test_popping_the_list_of_layers_shows_the_layer_before():
    a = Input((3,))
    model = Model(a, Dense(1, name="last")(Dense(4, name="before")(a)))
    assert model.layers.pop().name == "last"
    features = Model(model.inputs, model.layers[-1].output)
    x = np.ones((2, 3))
    assert np.shape(features.predict(x)) == (2, 4) and np.shape(model.predict(x)) == (2, 1)


def test_lists_and_arrays_may_change_afterwards():
    x = start = Input((None, None))
    inputs = [x]
    for _ in range(3):
        inputs.append(x)
        x = concatenate(inputs, axis=1)
    model = Model([start], outputs := [x])
    outputs.append(start)
    assert model.predict(np.full((1, 1, 1), 2.0)).tolist() == [[[2.0]] * 8]

    factor, x = np.full(2, 3.0, "float32"), K.placeholder((2,))
    product = x * factor
    factor[:] = 0
    assert K.function([x], [product])([np.ones(2)])[0].tolist() == [3, 3]

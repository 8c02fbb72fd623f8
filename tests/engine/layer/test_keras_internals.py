"""Attributes inside Keras's layers, which packages read and set."""

from __future__ import annotations

import numpy as np
import pytest

from jkeras import backend as K
from jkeras.engine.base_layer import _collect_input_shape, _collect_previous_mask, _to_snake_case
from jkeras.layers import BatchNormalization, Dense, Embedding, Input, Lambda, Layer
from jkeras.models import Model
from jkeras.utils.generic_utils import object_list_uid


def test_masks_and_shapes_of_tensors():
    x = Input((5,))
    y = Embedding(4, 2, mask_zero=True)(x)
    assert _collect_previous_mask(x) is None and K.int_shape(_collect_previous_mask(y)) == (None, 5)
    assert _collect_previous_mask([x, y])[0] is None
    assert _collect_input_shape([x, y]) == [(None, 5), (None, 5, 2)] and _collect_input_shape(x) == (None, 5)
    assert _to_snake_case("MaxPooling2D") == "max_pooling2d" and _to_snake_case("_Conv") == "private__conv"


@pytest.mark.broadcasts
def test_a_layer_that_sets_them_itself():
    """As layers do that were written for one version of Keras, before or after `super().__init__`."""

    class Own(Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self._losses, self._updates = [], []
            self._per_input_losses, self._per_input_updates = {}, {}
            self._initial_weights = [np.full((3,), 2.0)]
            self._built = False

        def build(self, input_shape):
            self.scale = self.add_weight(name="scale", shape=(3,), initializer="ones")
            self._losses.append(0.5 * K.sum(self.scale))
            super().build(input_shape)

        def call(self, x):
            return x * self.scale

    x = Input((3,))
    layer = Own()
    model = Model(x, layer(x))
    assert layer._built and layer.get_weights()[0].tolist() == [2.0, 2.0, 2.0]
    assert [float(K.eval(loss)) for loss in model.losses] == [3.0]
    model.compile("sgd", "mse")
    assert model.evaluate(np.ones((2, 3)), 2 * np.ones((2, 3)), verbose=0) == pytest.approx(3.0)


def test_losses_and_updates_by_input():
    x, other = Input((3,)), Input((3,))
    dense, norm = Dense(2, activity_regularizer="l2"), BatchNormalization()
    y = dense(x)
    norm(y)
    dense(other)
    assert list(dense._per_input_losses) == [object_list_uid([x]), object_list_uid([other])]
    assert [len(losses) for losses in dense._per_input_losses.values()] == [1, 1]
    assert len(norm._per_input_updates[object_list_uid([y])]) == 2 and dense._per_input_updates == {}
    with pytest.raises(ValueError, match=r"cannot be set to .* use layer.add_loss\(losses, inputs\)"):
        dense._per_input_losses = {"key": [1.0]}


def test_calls():
    x = Input((3,), name="x")
    layer = Dense(2, name="d")
    y = layer(x)
    assert layer._node_key(layer, 0) == "d_ib-0"
    assert layer._get_node_attribute_at_index(0, "output_tensors", "output") is y
    assert layer._get_node_attribute_at_index(0, "input_shapes", "input shape") == (None, 3)
    with pytest.raises(ValueError, match="output of layer 'd' at node 1"):
        layer._get_node_attribute_at_index(1, "output_tensors", "output")


def test_a_tensor_has_no_length():
    """As in TensorFlow before 1.14: code asks `hasattr(model.output, "__len__")` for a list of outputs."""
    x = Input((3,))
    assert not hasattr(x, "__len__") and not hasattr(K.variable([1.0, 2.0]), "__len__")
    with pytest.raises(TypeError, match="is symbolic and has no length; use K.int_shape"):
        len(x)


def test_what_code_notes_on_tensors():
    """`y._keras_shape = ...` and `y._uses_learning_phase = True`, as the calls of old layers end."""
    x = Input((3,))
    y = Lambda(lambda v: v * 2)(x)
    assert not Model(x, y).uses_learning_phase
    y._keras_shape, y._uses_learning_phase = (None, 3), True
    assert K.int_shape(y) == (None, 3) and y._uses_learning_phase and Model(x, y).uses_learning_phase
    free = K.placeholder((None, None))
    free._keras_shape = (None, 5)
    assert K.int_shape(free) == free.shape == (None, 5)
    free.set_shape((2, 5))
    assert K.int_shape(free) == (2, 5)
    with pytest.raises(ValueError, match=r"cannot have the shape \(3, 5\)"):
        free.set_shape((3, 5))
    weight = K.variable(np.ones((2, 3)))
    weight._keras_shape, weight._uses_learning_phase = (2, 3), False
    assert K.int_shape(weight) == (2, 3)

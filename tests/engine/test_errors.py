"""Wrong calls of layers: Keras's class of error, the layer's name, shapes as the user knows them."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from jkeras import backend as K
from jkeras.layers import LSTM, Add, Dense, Input, Lambda, Layer, TimeDistributed
from jkeras.models import Model


@pytest.mark.parametrize("value", ["x", None, object()])
def test_what_is_no_tensor(value):
    with pytest.raises(ValueError, match="'mine' .Dense. was called on .* neither a symbolic tensor"):
        Dense(2, name="mine")(value)


def test_a_mistake_in_call_keeps_its_class_and_names_the_layer():
    with pytest.raises(AttributeError, match="no attribute 'foo'|no attribute foo") as caught:
        Lambda(lambda x: x.foo, name="mine")(Input((3,)))
    assert "'mine'" in caught.value.__notes__[-1]


def test_a_key_that_the_users_code_misses_is_no_weight():
    table: dict = {}
    with pytest.raises(KeyError, match="foo") as caught:
        Lambda(lambda x: x * table["foo"], name="mine")(Input((3,)))
    assert "'mine'" in caught.value.__notes__[-1]


@pytest.mark.parametrize("layer, missing", [(Dense(2), "kernel"), (LSTM(2), "recurrent_kernel")])
def test_a_weight_that_is_missing_is_named(layer, missing):
    shape = (3,) if missing == "kernel" else (4, 3)
    init, apply = layer.pure()
    params, state = init(jax.random.key(0), (None, *shape))
    del params[missing]
    with pytest.raises(ValueError, match=f"{layer.name}.*finds no entry '{missing}'"):
        apply(params, state, np.ones((1, *shape), "float32"))


class OldShapes(Layer):
    """Asks for a shape as tensors of TensorFlow have it; that it tells its output hides nothing."""

    def call(self, x):
        return K.reshape(x, (-1, x._keras_shape[1]))

    def compute_output_shape(self, input_shape):
        return input_shape


class OldSizes(OldShapes):
    """Asks for what neither arrays nor tensors have."""

    def call(self, x):
        return K.reshape(x, (-1, x.op.inputs[0]._keras_shape[1]))


def test_shapes_of_other_backends():
    x = np.arange(12.0).reshape(2, 2, 3)
    shape = Input((2, 3))
    model = Model(shape, TimeDistributed(OldShapes())(shape))
    np.testing.assert_array_equal(model.predict(x), x)
    with pytest.raises(AttributeError, match="op"):
        TimeDistributed(OldSizes())(Input((2, 3)))


def test_inputs_of_a_model_that_do_not_fit():
    a, b = Input((3,)), Input((3,))
    model = Model([a, b], Add()([a, b]))
    with pytest.raises(ValueError, match=r"incompatible shapes .*\(None, 3\), \(None, 4\)"):
        model([Input((3,)), Input((4,))])


class Distance(Layer):
    """A loss and nothing else."""

    def call(self, x):
        self.add_loss(K.mean(K.square(x[0] - x[1])))
        return x[0]


def test_a_loss_of_a_call_is_enough_to_compile():
    a = Input((3,))
    model = Model(a, Distance()([a, Dense(3)(a)]))
    model.compile("sgd", loss=None)
    x = np.ones((4, 3))
    first, second = (float(np.asarray(model.train_on_batch(x))) for _ in range(2))
    assert first > second > 0
    with pytest.raises(ValueError, match="no loss"):
        Model(a, Dense(3)(a)).compile("sgd", loss=None)

"""Shapes computed with K: known where they are static, and whenever the graph runs, as in Keras 2.2.4."""

from __future__ import annotations

import numpy as np
import pytest

from jkeras import backend as K
from jkeras.engine.tensors.sizes import Sizes
from jkeras.layers import Dense, Input, Lambda, Layer
from jkeras.models import Model, Sequential

FLAT = np.arange(12, dtype="float32").reshape(2, 6)
BLOCK = np.arange(24, dtype="float32").reshape(2, 3, 4)

# what to make of a tensor `x` of shape (None, 6) → (static shape, shape in the run)
OF_FLAT = {
    "K.shape(x)": ((2,), (2,)),
    "K.shape(x)[0]": ((), ()),
    "K.reshape(x, K.stack([K.shape(x)[0], 2, K.shape(x)[1] // 2]))": ((None, 2, 3), (2, 2, 3)),
    "K.reshape(x, (K.shape(x)[0], 2, 3))": ((None, 2, 3), (2, 2, 3)),
    "K.reshape(x, K.stack([-1, K.shape(x)[0]]))": ((6, None), (6, 2)),
    "K.reshape(x, K.concatenate([K.shape(x)[:1], [2, 3]]))": ((None, 2, 3), (2, 2, 3)),
    "K.reshape(x, K.concatenate([K.shape(x)[:1], K.constant([2, 3], dtype='int32')]))": (
        (None, 2, 3),
        (2, 2, 3),
    ),
    "K.reshape(x, (K.prod(K.shape(x)),))": ((None,), (12,)),
    "K.reshape(x, K.stack([K.shape(x)[0], K.cast(K.shape(x)[1] / 2, 'int32'), 2]))": (
        (None, 3, 2),
        (2, 3, 2),
    ),
    "K.reshape(x, K.expand_dims(K.shape(x)[0] * K.shape(x)[1], 0))": ((None,), (12,)),
    "K.reshape(x, K.stack([K.gather(K.shape(x), 0), 6]))": ((None, 6), (2, 6)),
    "K.zeros((K.shape(x)[0], 2)) + 1": ((None, 2), (2, 2)),
    "K.ones(K.shape(x)) * x": ((None, 6), (2, 6)),
    "K.tile(x, K.stack([1, K.shape(x)[0]]))": ((None, None), (2, 12)),
    "K.tile(K.constant([[1.0, 2.0]]), (K.shape(x)[0], 1))": ((None, 2), (2, 2)),
    "K.random_normal((K.shape(x)[0], 2))": ((None, 2), (2, 2)),
    "K.random_uniform(K.shape(x))": ((None, 6), (2, 6)),
    "x[:, : K.shape(x)[1] // 2]": ((None, 3), (2, 3)),
    "x[:, : K.cast(K.round(K.cast(K.shape(x)[1], 'float32') / 4), 'int32')]": ((None, 2), (2, 2)),
    "x[: K.shape(x)[0] // 2]": ((None, 6), (1, 6)),
    "K.slice(x, (0, 1), (K.shape(x)[0], 2))": ((None, 2), (2, 2)),
    "K.one_hot(K.arange(0, K.shape(x)[0]), 4)": ((None, 4), (2, 4)),
    "x / K.cast(K.prod(K.shape(x)), 'float32')": ((None, 6), (2, 6)),
}
# of a tensor of shape (None, None, None)
OF_BLOCK = {
    "K.reshape(x, K.shape(x))": ((None, None, None), (2, 3, 4)),
    "K.reshape(x, (K.shape(x)[0], -1))": ((None, None), (2, 12)),
    "K.reshape(x, K.stack([K.shape(x)[0], K.shape(x)[1] * K.shape(x)[2]]))": ((None, None), (2, 12)),
    "K.shape(x) * 2": ((3,), (3,)),
    "K.cast(K.shape(x), 'float32') / 2.0": ((3,), (3,)),
}
CASES = [(e, FLAT, (6,), *w) for e, w in OF_FLAT.items()]
CASES += [(e, BLOCK, (None, None), *w) for e, w in OF_BLOCK.items()]


@pytest.mark.parametrize("expression, data, shape, static, found", CASES, ids=[case[0] for case in CASES])
def test_outside_of_layers_and_inside(expression, data, shape, static, found):
    x = Input(shape)
    outside = eval(expression, {"K": K, "x": x})
    value = K.function([x], [outside])([data])[0]
    assert np.shape(value) == found and K.int_shape(outside) == static
    if found[:1] == (2,) and len(found) > 1:
        inside = Lambda(lambda v: eval(expression, {"K": K, "x": v}))(x)
        same = Model(x, inside).predict(data)
        assert same.shape == found and K.int_shape(inside) == static
        if "random" not in expression:
            np.testing.assert_array_equal(same, value)


def test_values_of_sizes():
    x = Input((None, None))
    parts = [
        K.shape(x),
        K.shape(x)[1:] - 1,
        K.max(K.shape(x)),
        K.min(K.shape(x)),
        K.sum(K.shape(x)),
        7 % K.shape(x),
    ]
    found = K.function([x], [K.concatenate([p, []]) if K.ndim(p) else p for p in parts])([BLOCK])
    assert [np.asarray(f).tolist() for f in found] == [[2, 3, 4], [2, 3], 4, 2, 9, [1, 1, 3]]
    assert all(np.asarray(f).dtype == "int32" for f in found)
    assert K.eval(K.shape(K.variable(BLOCK))).tolist() == [2, 3, 4]
    assert K.eval(K.reshape(K.variable(FLAT), K.shape(K.variable(np.ones((3, 4)))))).shape == (3, 4)


def test_sizes_are_a_tuple_with_the_arithmetic_of_a_tensor():
    sizes = K.shape(np.ones((2, 3)))
    assert sizes == (2, 3) and sizes[1:] == (3,) and isinstance(sizes[1:], Sizes) and sizes[0] == 2
    assert sizes * 2 == 2 * sizes == (4, 6) and sizes + (1, 2) == (3, 5) and 7 - sizes == (5, 4)
    assert K.int_shape(sizes) == (2,) and K.ndim(sizes) == 1 and K.dtype(sizes) == "int32"
    assert (np.ones(2) * K.shape(np.ones((2, 3)))).tolist() == [2, 3]
    with pytest.raises(ValueError, match="shorter|longer"):
        sizes + (1, 2, 3)


class GroupNormalization(Layer):
    """Written with the sizes of the run, as packages write it."""

    def __init__(self, groups=2, **kwargs):
        super().__init__(**kwargs)
        self.groups = groups

    def call(self, inputs):
        sizes, static = K.shape(inputs), K.int_shape(inputs)
        axes = [sizes[i] for i in range(len(static))]
        axes[-1] = static[-1] // self.groups
        x = K.reshape(inputs, K.stack([axes[0], self.groups, *axes[1:]]))
        over = list(range(2, len(static) + 1))
        x = (x - K.mean(x, axis=over, keepdims=True)) / K.sqrt(K.var(x, axis=over, keepdims=True) + 1e-3)
        return K.reshape(x, sizes)


@pytest.mark.parametrize("shape", [(6,), (None, None, 4)])
def test_group_normalization(shape):
    model = Sequential([GroupNormalization(input_shape=shape)])
    data = np.arange(32, dtype="float32").reshape(2, 2, 2, 4) if len(shape) > 1 else FLAT
    grouped = data.reshape(len(data), 2, -1)
    wanted = (grouped - grouped.mean(-1, keepdims=True)) / np.sqrt(grouped.var(-1, keepdims=True) + 1e-3)
    np.testing.assert_allclose(model.predict(data), wanted.reshape(data.shape), rtol=1e-5)
    assert model.output_shape == (None, *shape)
    model.add(Dense(2))
    model.compile("sgd", "mse")
    target = np.ones((*data.shape[:-1], 2))
    assert np.isfinite(model.fit(data, target, batch_size=1, verbose=0).history["loss"][0])

"""compute_mask of the merge layers given variables, arrays and tensors (values of Keras 2.2.4)."""

from __future__ import annotations

import numpy as np
import pytest

from jkeras import backend as K
from jkeras import layers
from jkeras.layers import Concatenate, Dot, Embedding, Input

ONE = np.array([[1, 0, 1, 1], [1, 1, 0, 1.0]])
TWO = np.array([[1, 1, 1, 0], [1, 1, 0, 1.0]])
KINDS = ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", ["float32", "bool"])
def test_where_all_masks_hold(kind, dtype):
    a, b, layer = Input((4, 5)), Input((4, 5)), getattr(layers, kind)()
    layer([a, b])
    one, two = K.variable(ONE, dtype=dtype), K.variable(TWO, dtype=dtype)
    mask = layer.compute_mask([a, b], [one, two])
    assert K.dtype(mask) == "bool" and K.eval(mask).tolist() == [[1, 0, 1, 0], [1, 1, 0, 1]]
    assert K.eval(layer.compute_mask([a, b], [one, None])).tolist() == ONE.tolist()
    assert layer.compute_mask([a, b], [None, None]) is layer.compute_mask([a, b]) is None
    assert np.asarray(layer.compute_mask([ONE, TWO], [ONE > 0, TWO > 0])).tolist() == (ONE * TWO > 0).tolist()


@pytest.mark.parametrize("kind", [*KINDS, "Concatenate"])
def test_lists_of_one_length(kind):
    layer, x = getattr(layers, kind)(), K.variable(ONE)
    with pytest.raises(ValueError, match="`mask` should be a list"):
        layer.compute_mask([x, x], x)
    with pytest.raises(ValueError, match="`inputs` should be a list"):
        layer.compute_mask(x, [None, None])
    with pytest.raises(ValueError, match="same length; got 2 and 1"):
        layer.compute_mask([x, x], [None])


# (axis, first mask?, second mask?) → the mask; along the axis of a mask Keras fails where one has none
JOINED = {
    (1, 1, 1): [[1, 0, 1, 1, 1, 1, 1, 0], [1, 1, 0, 1, 1, 1, 0, 1]],
    (1, 1, 0): [[1, 0, 1, 1, 1, 1, 1, 1], [1, 1, 0, 1, 1, 1, 1, 1]],
    (-1, 1, 1): [[1, 0, 1, 0], [1, 1, 0, 1]],
    (2, 0, 1): [[1, 1, 1, 0], [1, 1, 0, 1]],
    (-1, 1, 0): [[1, 0, 1, 1], [1, 1, 0, 1]],
}


@pytest.mark.parametrize("axis, first, second", JOINED)
def test_concatenated_masks(axis, first, second):
    wanted = JOINED[axis, first, second]
    masks = [K.variable(m, dtype="bool") if given else None for m, given in ((ONE, first), (TWO, second))]
    values = [K.variable(np.random.rand(2, 4, 5)) for _ in range(2)]
    layer = Concatenate(axis=axis)
    assert K.eval(layer.compute_mask(values, masks)).tolist() == wanted
    if first and second:  # then nothing depends on the inputs
        assert K.eval(layer.compute_mask([Input((4, 5)), Input((4, 5))], masks)).tolist() == wanted
    assert layer.compute_mask(values, [None, None]) is None


def test_masks_with_all_axes():
    full = np.ones((2, 4, 5))
    full[0, 1, 2] = 0
    mask = Concatenate(axis=1).compute_mask([K.variable(full)] * 2, [K.variable(full), K.variable(ONE)])
    assert K.eval(mask).tolist() == [[1, 0, 1, 1, 1, 0, 1, 1], [1, 1, 1, 1, 1, 1, 0, 1]]


def test_masked_tensors_beside_variables():
    index, v = Input(batch_shape=(2, 4)), K.variable(np.ones((2, 4, 3)))
    layer = Concatenate(axis=-1)
    y = layer([Embedding(5, 3, mask_zero=True)(index), v])
    mask = layer.get_output_mask_at(0)
    value, found = K.function([index], [y, mask])([[[1, 0, 2, 0]] * 2])
    assert K.int_shape(y) == value.shape == (2, 4, 6) and found.tolist() == [[1, 0, 1, 0]] * 2


def test_products_have_no_mask():
    assert Dot(1).compute_mask([K.variable(ONE)] * 2, [None, K.variable(ONE)]) is None

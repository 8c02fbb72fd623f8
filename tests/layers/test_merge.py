"""Merging layers: masks, functions, gradients at ties, incompatible inputs."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jkeras import backend as K
from jkeras import layers as L
from jkeras.core.types import Ctx
from jkeras.layers.merge import _Merge
from jkeras.models import Model

x = jnp.arange(12.0).reshape(2, 3, 2)


def mask(*rows):
    return jnp.asarray(rows, bool)


A, B = mask([1, 1, 0], [1, 0, 0]), mask([1, 0, 0], [1, 1, 1])


@pytest.mark.parametrize(
    "masks, expected",
    [(None, None), ([None, None], None), ([A, None], A), ([A, B], A & B), ([None, B], B)],
)
def test_elementwise_masks_hold_where_all_do(masks, expected):
    found = L.Add().pure().apply({}, {}, [x, x], Ctx(mask=masks)).mask
    assert found is None if expected is None else (found == expected).all()


@pytest.mark.parametrize(
    "axis, masks, expected",
    [
        (-1, [A, B], A & B),
        (-1, [A, None], A),
        (-1, [None, None], None),
        (1, [A, B], jnp.concatenate([A, B], 1)),
        (1, [None, B], jnp.concatenate([jnp.ones_like(A), B], 1)),
    ],
)
def test_concatenated_masks(axis, masks, expected):
    found = L.Concatenate(axis).pure().apply({}, {}, [x, x], Ctx(mask=masks)).mask
    assert found is None if expected is None else (found == expected).all()


def test_dot_ends_the_mask():
    assert L.Dot(2).pure().apply({}, {}, [x, x], Ctx(mask=[A, B])).mask is None


@pytest.mark.parametrize(
    "function, expected",
    [
        (L.add, 2 * x + 1),
        (L.subtract, -jnp.ones_like(x)),
        (L.multiply, x * (x + 1)),
        (L.average, x + 0.5),
        (L.maximum, x + 1),
        (L.minimum, x),
        (L.concatenate, jnp.concatenate([x, x + 1], -1)),
        (lambda inputs: L.concatenate(inputs, axis=1, name="joined"), jnp.concatenate([x, x + 1], 1)),
        (lambda inputs: L.dot(inputs, 2), jnp.einsum("bik,bjk->bij", x, x + 1)),
    ],
)
def test_functions(function, expected):
    np.testing.assert_allclose(function([x, x + 1]), expected, rtol=1e-6)


@pytest.mark.parametrize("layer", [L.Maximum(), L.Minimum()])
def test_gradient_of_equal_elements_goes_to_the_first_input(layer):
    one = jnp.ones((1, 2))
    gradients = jax.grad(lambda inputs: layer.pure().apply({}, {}, inputs).y.sum())([one, one])
    assert gradients[0].tolist() == [[1, 1]] and gradients[1].tolist() == [[0, 0]]


@pytest.mark.parametrize(
    "make, shapes, text",
    [
        (L.Add, (None, 3), "should be called on a list of inputs"),
        (L.Add, [(None, 3)], "list of at least 2 inputs, got 1"),
        (L.Add, [(None, 3), (None, 4)], r"could not be broadcast together with shapes \(3,\) and \(4,\)"),
        (L.Add, [(2, 3), (4, 3)], "cannot merge tensors with different batch sizes"),
        (L.Subtract, [(None, 3)] * 3, "exactly 2 inputs, got 3"),
        (L.Concatenate, [(None, 2, 3), (None, 3, 3)], "matching shapes except for the concat axis -1"),
        (L.Concatenate, [(None, 2), (None, 3, 3)], "matching shapes except for the concat axis -1"),
        (lambda name: L.Concatenate(3, name=name), [(None, 3), (None, 3)], "concat axis 3"),
        (lambda name: L.Dot(1, name=name), [(None, 3), (None, 4)], "dimension incompatibility .* 3 != 4"),
        (lambda name: L.Dot(3, name=name), [(None, 3), (None, 3)], "do not exist in inputs of shapes"),
    ],
)
def test_incompatible_inputs_name_layer_and_shapes(make, shapes, text):
    with pytest.raises(ValueError, match=f"'merged'.*{text}"):
        make(name="merged").compute_output_shape(shapes)


@pytest.mark.parametrize("axes, error", [("1", TypeError), ((1, 2, 3), ValueError), ((1.0, 2), ValueError)])
def test_bad_axes_of_dot(axes, error):
    with pytest.raises(error, match="Invalid .* for `axes`"):
        L.Dot(axes)


class Weighted(_Merge):
    """A mean with random weights, as scripts of Keras 2 define it."""

    def _merge_function(self, inputs):
        share = K.random_uniform((2, 1, 1))
        return share * inputs[0] + (1 - share) * inputs[1]


class Shifted(L.Average):
    def _merge_function(self, inputs):
        return super()._merge_function(inputs) + 1


def test_a_merge_function_of_the_user():
    a, b = L.Input((3, 2)), L.Input((2,))
    model = Model([a, b], Weighted()([a, b]))
    drawn = model.predict([np.zeros((2, 3, 2)), np.ones((2, 2))])
    assert (drawn == drawn[:, :1, :1]).all() and 0 < drawn.min() and np.ptp(drawn) > 0
    assert L.Average().rowwise and not Weighted().rowwise
    layer = Shifted()
    np.testing.assert_array_equal(layer([x, x + 2]), x + 2)
    assert (layer.pure().apply({}, {}, [x, x], Ctx(mask=[A, B])).mask == A & B).all()
    with pytest.raises(ValueError, match="list of inputs"):
        Shifted()(a)

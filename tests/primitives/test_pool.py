"""Pooling, resizing and products against XLA's own operations."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jkeras.primitives import dot, pool, resize

LAST, FIRST = "channels_last", "channels_first"
rng = np.random.RandomState(0)


def normal(*shape):
    return jnp.asarray(rng.randn(*shape), jnp.float32)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("size, strides", [((2, 2), (2, 2)), ((3, 2), (1, 2)), ((2, 3), (3, 1))])
def test_pooling_is_xla_s(padding, size, strides):
    x = normal(2, 7, 6, 3)
    window, step = (1, *size, 1), (1, *strides, 1)
    expected = lax.reduce_window(x, -jnp.inf, lax.max, window, step, padding.upper())
    np.testing.assert_array_equal(pool.max_pool(x, size, strides, padding, LAST), expected)
    first = pool.max_pool(jnp.moveaxis(x, -1, 1), size, strides, padding, FIRST)
    np.testing.assert_array_equal(jnp.moveaxis(first, 1, -1), expected)
    total, count = (
        lax.reduce_window(a, 0.0, lax.add, window, step, padding.upper()) for a in (x, jnp.ones_like(x))
    )
    found = pool.average_pool(x, size, strides, padding, LAST)
    np.testing.assert_allclose(found, total / count, rtol=1e-5, atol=1e-6)


def test_gradient_of_equal_elements_goes_to_the_first():
    x = jnp.ones((1, 2, 2, 1))
    gradient = jax.grad(lambda x: pool.max_pool(x, (2, 2), (2, 2), "valid", LAST).sum())(x)
    assert gradient.reshape(-1).tolist() == [1, 0, 0, 0]


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_the_value_beside_a_derivative_is_the_value(padding):
    x = normal(2, 7, 6, 3)
    for way in (pool.max_pool, pool.average_pool):
        pooled = jax.jit(lambda x, way=way: way(x, (2, 2), (2, 3), padding, LAST))
        value, slope = jax.jvp(pooled, (x,), (x,))
        np.testing.assert_allclose(value, pooled(x), rtol=1e-6)
        np.testing.assert_allclose(slope, value, rtol=1e-6)  # pooling is homogeneous


def test_integers():
    x = jnp.arange(4).reshape(1, 4, 1)
    assert pool.max_pool(x, (2,), (2,), "valid", LAST).reshape(-1).tolist() == [1, 3]
    assert pool.average_pool(x, (2,), (2,), "same", LAST).reshape(-1).tolist() == [0.5, 2.5]


def test_repeat_is_numpy_s():
    x = normal(2, 3, 4)
    for axis in range(3):
        np.testing.assert_array_equal(resize.repeat(x, 3, axis), np.repeat(x, 3, axis))


def test_bilinear_of_a_line():
    x = jnp.asarray([0.0, 3.0, 6.0])
    np.testing.assert_allclose(resize.bilinear(x, 3, 0), [0, 1, 2, 3, 4, 5, 6, 6, 6], atol=1e-6)


@pytest.mark.parametrize(
    "a, b, axes, equation",
    [
        ((2, 3), (2, 3), (1, 1), "bi,bi->b"),
        ((2, 3, 4), (2, 3, 5), (1, 1), "bij,bik->bjk"),
        ((2, 3, 4), (2, 5, 4), (2, 2), "bij,bkj->bik"),
        ((2, 3, 4), (2, 4, 5), None, "bij,bjk->bik"),
        ((2, 3, 4), (2, 4), (2, 1), "bij,bj->bi"),
        ((2, 4), (2, 3, 4), (1, 2), "bj,bij->bi"),
        ((2, 6, 3, 4), (2, 6, 4, 5), (3, 2), "bcij,bcjk->bcik"),
    ],
)
def test_batch_dot(a, b, axes, equation):
    x, y = normal(*a), normal(*b)
    expected = jnp.einsum(equation, x, y)
    found = dot.batch_dot(x, y, axes)
    assert found.shape == (expected.shape if expected.ndim > 1 else (*expected.shape, 1))
    np.testing.assert_allclose(found.reshape(expected.shape), expected, rtol=1e-5, atol=1e-5)


def test_batch_dot_refuses_several_axes():
    with pytest.raises(ValueError, match="Multiple target dimensions are not supported"):
        dot.batch_dot(normal(2, 3, 4), normal(2, 3, 4), ((1, 2), (1, 2)))

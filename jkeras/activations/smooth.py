"""Activations that are smooth, and those that normalize along an axis."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from jkeras.core import logits
from jkeras.core.dispatch import op
from jkeras.core.types import Operand
from jkeras.primitives.numeric import absolute, widened


@op
def softplus(x: Operand):
    """log(1 + exp(x)).

    Args:
        x: an array.

    Returns:
        The array.

    Example:
        >>> print(softplus(jnp.asarray([0.0])).round(4))
        [0.6931]

    Keras 2.2.4: keras/activations.py softplus
    """
    return jax.nn.softplus(x)


@op
def sparse_plus(x: Operand):
    """0 up to -1, x from 1 on, and (x + 1)² / 4 between.

    Args:
        x: an array.

    Returns:
        The array.

    Example:
        >>> print(sparse_plus(jnp.asarray([-2.0, 0.0, 2.0])))
        [0.   0.25 2.  ]

    Keras 3: keras/src/activations/activations.py sparse_plus
    """
    return jax.nn.sparse_plus(x)


@op
def squareplus(x: Operand, b: float = 4):
    """(x + √(x² + b)) / 2.

    Args:
        x: an array.
        b: smoothness.

    Returns:
        The array.

    Example:
        >>> print(squareplus(jnp.asarray([0.0])))
        [1.]

    Source: Barron 2021, arXiv:2112.11687. Keras 3: keras/src/activations/activations.py squareplus
    """
    return jax.nn.squareplus(x, b)


@op
def softsign(x: Operand):
    """x / (1 + |x|).

    Args:
        x: an array.

    Returns:
        The array.

    Example:
        >>> print(softsign(jnp.asarray([-1.0, 3.0])))
        [-0.5   0.75]

    Keras 2.2.4: keras/activations.py softsign
    """
    return x / (1 + absolute(x))


@op
def exponential(x: Operand):
    """exp(x).

    Args:
        x: an array.

    Returns:
        The array.

    Example:
        >>> print(exponential(jnp.asarray([0.0])))
        [1.]

    Keras 2.2.4: keras/activations.py exponential
    """
    return jnp.exp(x)


@op
def softmax(x: Operand, axis: Any = -1):
    """exp(x) / sum(exp(x)) along `axis`; for rank 2 always along the last one, as in Keras.

    Args:
        x: an array of rank 2 or more.
        axis: the axis to normalize.

    Returns:
        The array.

    Raises:
        ValueError: if `x` has rank 0 or 1.

    Example:
        >>> print(softmax(jnp.zeros((1, 4))))
        [[0.25 0.25 0.25 0.25]]

    Keras 2.2.4: keras/activations.py softmax
    """
    if x.ndim < 2:
        raise ValueError(f"Cannot apply softmax to a tensor that is {x.ndim}D. Expected rank 2 or more.")
    axis = -1 if x.ndim == 2 else axis
    y = jax.nn.softmax(x, axis)
    return logits.note(y, x) if axis == -1 else y


@op
def log_softmax(x: Operand, axis: Any = -1):
    """log(softmax(x)) along `axis`.

    Args:
        x: an array.
        axis: the axis to normalize.

    Returns:
        The array.

    Example:
        >>> print(log_softmax(jnp.zeros((1, 2))).round(4))
        [[-0.6931 -0.6931]]

    Keras 3: keras/src/activations/activations.py log_softmax
    """
    return jax.nn.log_softmax(x, axis)


@op
def sparsemax(x: Operand, axis: Any = -1):
    """relu(x - t), where t is above the small entries along `axis`, so that these become 0.

    With z the k largest entries that hold themselves up, largest first, and s their running sums:
    t = (s_1 + ... + s_k - 1) / k, as Keras 3.15 computes it. The article has s_k alone there; with one entry
    above 0 it is the same.

    Args:
        x: an array.
        axis: the axis along which entries compete.

    Returns:
        The array.

    Example:
        >>> print(sparsemax(jnp.asarray([[2.0, 0.5, -1.0]])))
        [[1. 0. 0.]]

    Source: Martins and Astudillo 2016, arXiv:1602.02068.
    Keras 3: keras/src/activations/activations.py sparsemax
    """
    x = jnp.moveaxis(x, axis, -1)
    falling = -jnp.sort(-x, -1)
    sums = jnp.cumsum(falling, -1)
    held = falling - (sums - 1) / widened(jnp.arange(1, x.shape[-1] + 1, dtype=x.dtype), x) > 0
    level = (jnp.sum(jnp.where(held, sums, 0), -1, keepdims=True) - 1) / jnp.sum(held, -1, keepdims=True)
    return jnp.moveaxis(jnp.maximum(x - level, 0), -1, axis)


def linear(x: Operand):
    """x itself.

    Args:
        x: anything.

    Returns:
        The same object.

    Example:
        >>> linear(3)
        3

    Keras 2.2.4: keras/activations.py linear
    """
    return x

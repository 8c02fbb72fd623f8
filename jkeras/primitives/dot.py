"""Products of samples: `batch_dot`, with the axis rules of Keras."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from jkeras.core.types import Array


def batch_dot(x: Array, y: Array, axes: Any = None):
    """Contract one axis of `x` with one of `y`, sample by sample.

    Args:
        x, y: arrays whose first axis is the batch.
        axes: an axis for both, a pair of axes, or None for (last of `x`, last but one of `y`). The array of
            lower rank is filled up with axes of length 1 at its end; for rank 4 and more, the axes between
            the batch and the last two are matched like the batch. As in Keras 2.2.4, negative axes do not
            count from the end: name the last axis by its number.

    Returns:
        The products; a result without axes beside the batch has shape `(batch, 1)`.

    Raises:
        ValueError: an axis that is not one number.

    >>> batch_dot(jnp.ones((2, 3, 4)), jnp.ones((2, 4, 5)), (2, 1)).shape
    (2, 3, 5)
    """
    if axes is None:
        axes = (x.ndim - 1, y.ndim - 2)
    if isinstance(axes, int):
        axes = (axes, axes)
    if any(not isinstance(a, int) for a in axes):
        raise ValueError(
            f"Multiple target dimensions are not supported: expected an int or two ints, got {axes}."
        )
    ranks = x.ndim, y.ndim
    a, b = axes  # for rank 3 and more, Keras takes every axis but the last one, -1 too, for the last but one
    if ranks == (2, 2):
        product = jnp.sum(x * y, a) if a == b else jnp.sum(x.T * y, b)
        return product[:, None] if product.ndim == 1 else product
    ndim = max(ranks)
    x = x.reshape(x.shape + (1,) * (ndim - ranks[0]))
    y = y.reshape(y.shape + (1,) * (ndim - ranks[1]))
    out = jnp.matmul(x if a == ndim - 1 else x.mT, y.mT if b == ndim - 1 else y)
    extra = abs(ranks[0] - ranks[1])
    if extra:
        at = ranks[0] + ranks[1] - 3 if ranks[0] > ranks[1] else ranks[0] - 1
        out = jnp.squeeze(out, tuple(range(at, at + extra)))
    return out[:, None] if out.ndim == 1 else out

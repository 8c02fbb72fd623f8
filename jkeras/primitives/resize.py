"""Stretching one axis by a whole factor."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from jkeras.core.types import Array
from jkeras.primitives.numeric import widened


def repeat(x: Array, factor: int, axis: int):
    """Every element `factor` times along `axis`.

    >>> repeat(jnp.array([1, 2]), 2, 0).tolist()
    [1, 1, 2, 2]
    """
    wide = jnp.broadcast_to(
        jnp.expand_dims(x, axis + 1), (*x.shape[: axis + 1], factor, *x.shape[axis + 1 :])
    )
    return _joined(wide, axis)


def bilinear(x: Array, factor: int, axis: int):
    """Linear interpolation along `axis`: place `p` of the output reads `p / factor`, up to the last element.

    >>> bilinear(jnp.array([0.0, 1.0]), 2, 0).tolist()
    [0.0, 0.5, 1.0, 1.0]
    """
    x = x if jnp.issubdtype(x.dtype, jnp.inexact) else x.astype(jnp.float32)
    before = (slice(None),) * axis
    following = jnp.concatenate([x[(*before, slice(1, None))], x[(*before, slice(-1, None))]], axis)
    step = np.arange(factor).reshape((-1,) + (1,) * (x.ndim - axis - 1)) / factor
    base, slope = jnp.expand_dims(x, axis + 1), jnp.expand_dims(following - x, axis + 1)
    return _joined(base + slope * widened(jnp.asarray(step, x.dtype), slope), axis)


def _joined(x: Array, axis: int):
    shape = x.shape
    return x.reshape((*shape[:axis], shape[axis] * shape[axis + 1], *shape[axis + 2 :]))

"""Products of matrices, and of samples."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from jkeras.backend.conversion import of_arrays_2
from jkeras.core.types import Operand
from jkeras.primitives import dot as products


@of_arrays_2
def dot(x: Operand, y: Operand):
    """The matrix product; of more axes, over the last one of `x` and the last but one of `y`.

    Args:
        x: an array or a sparse matrix `(..., n)`.
        y: an array or a sparse matrix `(..., n, m)` or `(n,)`.

    Returns:
        An array `(..., ..., m)`: the axes of `x` without the last, then those of `y` without `n`.

    Raises:
        ValueError: the two axes differ in size.

    Example:
        >>> dot([[1.0, 2.0]], [[3.0], [4.0]]).tolist()
        [[11.0]]

    Keras 2.2.4: keras/backend/tensorflow_backend.py dot
    """
    if jnp.ndim(y) == 1:
        return jnp.tensordot(x, y, 1)
    return jnp.tensordot(x, y, ((jnp.ndim(x) - 1,), (jnp.ndim(y) - 2,)))


@of_arrays_2
def batch_dot(x: Operand, y: Operand, axes: Any = None):
    """Product of each sample of `x` with that sample of `y` along the given axes.

    Args:
        x, y: arrays whose first axis is the batch.
        axes: an axis for both, a pair of axes, or None for (last of `x`, last but one of `y`). As in Keras
            2.2.4, only numbers from 0 on count: -1 is not the last axis of tensors with 3 or more.

    Returns:
        The products; `(batch, 1)` where no other axis is left.

    Raises:
        ValueError: an axis that is not one number, or axes that differ in size.

    Example:
        >>> from jkeras import backend as K
        >>> K.batch_dot(K.placeholder((None, 3, 4)), K.placeholder((None, 5, 4)), axes=2).shape
        (None, 3, 5)

    Keras 2.2.4: keras/backend/tensorflow_backend.py batch_dot
    """
    return products.batch_dot(x, y, axes)

"""Sums, means, extremes and what else reduces axes or runs along one."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from jkeras.backend.conversion import of_array
from jkeras.core import settings
from jkeras.core.types import AnyList, Array, Operand
from jkeras.engine.tensors import sizes
from jkeras.engine.tensors.sizes import is_sizes, of_sizes
from jkeras.primitives import numeric


def _axes(axis: int | Sequence[int] | None):
    return tuple(axis) if isinstance(axis, AnyList) else axis


def _floating(x: Operand) -> Array:
    """Booleans and integers as floats."""
    return x if jnp.issubdtype(x.dtype, jnp.floating) else x.astype(settings.floatx())


def _mean(x: Operand, axes: Any, keepdims: bool) -> Array:
    if not jnp.issubdtype(x.dtype, jnp.integer):
        return jnp.mean(_floating(x), axes, keepdims=keepdims)
    total = jnp.sum(x, axes, keepdims=keepdims, dtype=x.dtype)
    return lax.div(total, jnp.full_like(total, x.size // builtins.max(total.size, 1)))


@of_array
@of_sizes(sizes.reduced(builtins.sum), is_sizes)
def sum(x: Operand, axis: int | Sequence[int] | None = None, keepdims: bool = False):
    """The sum over axes; 0 of no numbers.

    Args:
        x: an array of any shape.
        axis: an axis, a list of axes, or None for all.
        keepdims: whether the reduced axes stay, with size 1.

    Returns:
        An array without these axes.

    Example:
        >>> sum([[1.0, 2.0], [3.0, 4.0]], axis=1).tolist()
        [3.0, 7.0]

    Keras 2.2.4: keras/backend/tensorflow_backend.py sum
    """
    return jnp.sum(x, _axes(axis), keepdims=keepdims)


@of_array
@of_sizes(sizes.prod, is_sizes)
def prod(x: Operand, axis: int | Sequence[int] | None = None, keepdims: bool = False):
    """The product over axes; 1 of no numbers.

    Args:
        x: an array of any shape.
        axis: an axis, a list of axes, or None for all.
        keepdims: whether the reduced axes stay, with size 1.

    Returns:
        An array without these axes.

    Example:
        >>> prod([[1.0, 2.0], [3.0, 4.0]], axis=1).tolist()
        [2.0, 12.0]

    Keras 2.2.4: keras/backend/tensorflow_backend.py prod
    """
    return jnp.prod(x, _axes(axis), keepdims=keepdims)


@of_array
def mean(x: Operand, axis: int | Sequence[int] | None = None, keepdims: bool = False):
    """sum(x) / n over axes.

    Args:
        x: an array of any shape; booleans count as 0 and 1.
        axis: an axis, a list of axes, or None for all.
        keepdims: whether the reduced axes stay, with size 1.

    Returns:
        An array without these axes; of whole numbers it is whole, cut towards 0, as TensorFlow has it.

    Example:
        >>> mean([True, False])
        Array(0.5, dtype=float32)
        >>> print(mean(jnp.asarray([1, 2])), mean(jnp.asarray([1.0, 2.0])))
        1 1.5

    Keras 2.2.4: keras/backend/tensorflow_backend.py mean
    """
    return _mean(x, _axes(axis), keepdims)


@of_array
def var(x: Operand, axis: int | Sequence[int] | None = None, keepdims: bool = False):
    """mean((x - mean(x))²) over axes.

    Args:
        x: an array of any shape; booleans count as 0 and 1.
        axis: an axis, a list of axes, or None for all.
        keepdims: whether the reduced axes stay, with size 1.

    Returns:
        An array without these axes; of whole numbers it is made of whole numbers, see `mean`.

    Example:
        >>> var([1.0, 3.0])
        Array(1., dtype=float32)

    Keras 2.2.4: keras/backend/tensorflow_backend.py var
    """
    x = x if jnp.issubdtype(x.dtype, jnp.integer) else _floating(x)
    return _mean(jnp.square(x - _mean(x, _axes(axis), True)), _axes(axis), keepdims)


@of_array
def std(x: Operand, axis: int | Sequence[int] | None = None, keepdims: bool = False):
    """√mean((x - mean(x))²) over axes.

    Args:
        x: an array of any shape; booleans count as 0 and 1.
        axis: an axis, a list of axes, or None for all.
        keepdims: whether the reduced axes stay, with size 1.

    Returns:
        An array without these axes, of a float type.

    Example:
        >>> std([1.0, 3.0])
        Array(1., dtype=float32)

    Keras 2.2.4: keras/backend/tensorflow_backend.py std
    """
    return jnp.std(_floating(x), _axes(axis), keepdims=keepdims)


@of_array
@of_sizes(sizes.reduced(builtins.max), is_sizes)
def max(x: Operand, axis: int | Sequence[int] | None = None, keepdims: bool = False):
    """The greatest number over axes.

    Args:
        x: an array.
        axis: an axis, a list of axes, or None for all.
        keepdims: whether the reduced axes stay, with size 1.

    Returns:
        An array without these axes.

    Raises:
        ValueError: there are no numbers to choose from.

    Example:
        >>> max([[1.0, 2.0], [3.0, 4.0]], axis=1).tolist()
        [2.0, 4.0]

    Keras 2.2.4: keras/backend/tensorflow_backend.py max
    """
    return jnp.max(x, _axes(axis), keepdims=keepdims)


@of_array
@of_sizes(sizes.reduced(builtins.min), is_sizes)
def min(x: Operand, axis: int | Sequence[int] | None = None, keepdims: bool = False):
    """The least number over axes.

    Args:
        x: an array.
        axis: an axis, a list of axes, or None for all.
        keepdims: whether the reduced axes stay, with size 1.

    Returns:
        An array without these axes.

    Raises:
        ValueError: there are no numbers to choose from.

    Example:
        >>> min([[1.0, 2.0], [3.0, 4.0]], axis=1).tolist()
        [1.0, 3.0]

    Keras 2.2.4: keras/backend/tensorflow_backend.py min
    """
    return jnp.min(x, _axes(axis), keepdims=keepdims)


@of_array
def any(x: Operand, axis: int | Sequence[int] | None = None, keepdims: bool = False):
    """Whether any number over axes is True, or not 0.

    Args:
        x: an array of any shape.
        axis: an axis, a list of axes, or None for all.
        keepdims: whether the reduced axes stay, with size 1.

    Returns:
        Booleans without these axes.

    Example:
        >>> any([[1, 0], [0, 0]], axis=1).tolist()
        [True, False]

    Keras 2.2.4: keras/backend/tensorflow_backend.py any
    """
    return jnp.any(x, _axes(axis), keepdims=keepdims)


@of_array
def all(x: Operand, axis: int | Sequence[int] | None = None, keepdims: bool = False):
    """Whether every number over axes is True, or not 0.

    Args:
        x: an array of any shape.
        axis: an axis, a list of axes, or None for all.
        keepdims: whether the reduced axes stay, with size 1.

    Returns:
        Booleans without these axes.

    Example:
        >>> all([[1, 0], [0, 0]], axis=1).tolist()
        [False, False]

    Keras 2.2.4: keras/backend/tensorflow_backend.py all
    """
    return jnp.all(x, _axes(axis), keepdims=keepdims)


@of_array
def logsumexp(x: Operand, axis: int | Sequence[int] | None = None, keepdims: bool = False):
    """log(sum(exp(x))) over axes, without overflow.

    Args:
        x: an array of any shape.
        axis: an axis, a list of axes, or None for all.
        keepdims: whether the reduced axes stay, with size 1.

    Returns:
        An array without these axes.

    Example:
        >>> logsumexp([999.0])
        Array(999., dtype=float32)

    Keras 2.2.4: keras/backend/tensorflow_backend.py logsumexp
    """
    return jax.scipy.special.logsumexp(x, axis=_axes(axis), keepdims=keepdims)


@of_array
def argmax(x: Operand, axis: int | None = -1):
    """The place of the greatest number along an axis; of equal ones the first.

    Args:
        x: an array of rank 1 or more.
        axis: the axis; None is the first one, as in TensorFlow, and not all of them.

    Returns:
        Integers in the shape of `x` without that axis.

    Example:
        >>> int(argmax([5.0, 7.0]))
        1

    Keras 2.2.4: keras/backend/tensorflow_backend.py argmax
    """
    return jnp.argmax(x, 0 if axis is None else axis)


@of_array
def argmin(x: Operand, axis: int | None = -1):
    """The place of the least number along an axis; of equal ones the first.

    Args:
        x: an array of rank 1 or more.
        axis: the axis; None is the first one, as in TensorFlow, and not all of them.

    Returns:
        Integers in the shape of `x` without that axis.

    Example:
        >>> int(argmin([5.0, 7.0]))
        0

    Keras 2.2.4: keras/backend/tensorflow_backend.py argmin
    """
    return jnp.argmin(x, 0 if axis is None else axis)


@of_array
def cumsum(x: Operand, axis: int | None = 0):
    """The sum of all numbers up to each one, along an axis.

    Args:
        x: an array of rank 1 or more.
        axis: the axis.

    Returns:
        An array of the same shape.

    Example:
        >>> cumsum([1.0, 2.0]).tolist()
        [1.0, 3.0]

    Keras 2.2.4: keras/backend/tensorflow_backend.py cumsum
    """
    return jnp.cumsum(x, axis)


@of_array
def cumprod(x: Operand, axis: int | None = 0):
    """The product of all numbers up to each one, along an axis.

    Args:
        x: an array of rank 1 or more.
        axis: the axis.

    Returns:
        An array of the same shape.

    Example:
        >>> cumprod([1.0, 2.0]).tolist()
        [1.0, 2.0]

    Keras 2.2.4: keras/backend/tensorflow_backend.py cumprod
    """
    return jnp.cumprod(x, axis)


l2_normalize = of_array(numeric.l2_normalize)

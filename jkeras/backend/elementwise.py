"""Elementwise functions and comparisons: jax.numpy on arrays, nodes on tensors."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from jkeras.backend.conversion import of_array, of_arrays_2
from jkeras.core import bits
from jkeras.core.dispatch import op
from jkeras.core.types import Array, Operand
from jkeras.engine.tensors import sizes
from jkeras.engine.tensors.sizes import of_sizes
from jkeras.primitives import numeric


@of_array
def abs(x: Operand):
    """|x|; its gradient at 0 is 0, as in TensorFlow.

    Args:
        x: an array of any shape.

    Returns:
        An array of the same shape.

    Example:
        >>> abs([-2.0, 3.0]).tolist()
        [2.0, 3.0]

    Keras 2.2.4: keras/backend/tensorflow_backend.py abs
    """
    return numeric.absolute(x)


@of_array
def sign(x: Operand):
    """-1, 0 or 1: the sign of each number. Its gradient is 0; that of `round` is none.

    Args:
        x: an array of any shape.

    Returns:
        An array of the same shape.

    Example:
        >>> sign([-2.0, 0.0]).tolist()
        [-1.0, 0.0]

    Keras 2.2.4: keras/backend/tensorflow_backend.py sign
    """
    return jnp.where(False, x, jnp.sign(x))  # a path for the gradient, along which it is 0


@of_array
@of_sizes(sizes.rounded, sizes.is_share)
def round(x: Operand):
    """The nearest whole number; a half goes to the even neighbour.

    Args:
        x: an array of any shape.

    Returns:
        An array of the same shape and dtype.

    Example:
        >>> round([1.5, 2.5]).tolist()
        [2.0, 2.0]

    Keras 2.2.4: keras/backend/tensorflow_backend.py round
    """
    return jnp.round(x)


@of_array
def exp(x: Operand):
    """e^x.

    Args:
        x: an array of any shape.

    Returns:
        An array of the same shape.

    Example:
        >>> exp([0.0]).tolist()
        [1.0]

    Keras 2.2.4: keras/backend/tensorflow_backend.py exp
    """
    return jnp.exp(x)


@of_array
def log(x: Operand):
    """The natural logarithm; -inf of 0, NaN of negative numbers.

    Args:
        x: an array of any shape.

    Returns:
        An array of the same shape.

    Example:
        >>> log([1.0]).tolist()
        [0.0]

    Keras 2.2.4: keras/backend/tensorflow_backend.py log
    """
    return jnp.log(x)


@of_array
def square(x: Operand):
    """x².

    Args:
        x: an array of any shape.

    Returns:
        An array of the same shape.

    Example:
        >>> square([-3.0]).tolist()
        [9.0]

    Keras 2.2.4: keras/backend/tensorflow_backend.py square
    """
    return jnp.square(x)


@of_array
def sqrt(x: Operand):
    """√x, where negative numbers count as zero.

    The slope at 0 is a large number rather than infinity: where a gradient of 0 arrives, it stays 0 (as in
    TensorFlow), so that `x / K.sqrt(K.sum(x * x))` may meet a row of zeros.

    Args:
        x: an array of any shape.

    Returns:
        An array of the same shape.

    Example:
        >>> sqrt([9.0, -1.0]).tolist()
        [3.0, 0.0]

    Keras 2.2.4: keras/backend/tensorflow_backend.py sqrt
    """
    return _root(numeric.clip(x, 0.0) * 1.0)


@jax.custom_jvp
def _root(x: Array) -> Array:
    return jnp.sqrt(x)


@_root.defjvp
def _root_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    y = _root(*primals)
    return y, tangents[0] * (0.5 / jnp.maximum(y, float(jnp.finfo(y.dtype).tiny)))  # pyright: ignore


@op
def pow(x: Operand, a: Operand):
    """x^a.

    Args:
        x: an array of any shape.
        a: the exponent: a number, or an array that broadcasts against `x`.

    Returns:
        An array of the common shape.

    Example:
        >>> pow(jnp.asarray([2.0]), 3).tolist()
        [8.0]

    Keras 2.2.4: keras/backend/tensorflow_backend.py pow
    """
    return numeric.power(x, a)


@of_array
def sin(x: Operand):
    """The sine of angles in radians.

    Args:
        x: an array of any shape.

    Returns:
        An array of the same shape.

    Example:
        >>> sin([0.0]).tolist()
        [0.0]

    Keras 2.2.4: keras/backend/tensorflow_backend.py sin
    """
    return jnp.sin(x)


@of_array
def cos(x: Operand):
    """The cosine of angles in radians.

    Args:
        x: an array of any shape.

    Returns:
        An array of the same shape.

    Example:
        >>> cos([0.0]).tolist()
        [1.0]

    Keras 2.2.4: keras/backend/tensorflow_backend.py cos
    """
    return jnp.cos(x)


@of_array
def clip(x: Operand, min_value: Operand, max_value: Operand):
    """min(max(x, min_value), max_value), with gradient 1 inside and on the bounds.

    Args:
        x: an array of any shape.
        min_value: a number, an array that broadcasts against `x`, or None for no limit.
        max_value: likewise; a number below `min_value` counts as `min_value`.

    Returns:
        An array of the same shape.

    Example:
        >>> clip([-2.0, 0.5, 2.0], 0.0, 1.0).tolist()
        [0.0, 0.5, 1.0]

    Keras 2.2.4: keras/backend/tensorflow_backend.py clip
    """
    if min_value is not None and max_value is not None and isinstance(max_value, (int, float)):
        max_value = max_value if max_value >= min_value else min_value
    return numeric.clip(x, min_value, max_value)


@of_arrays_2
def maximum(x: Operand, y: Operand):
    """The greater of `x` and `y`; where both are equal the gradient goes to `x`, as in TensorFlow.

    Args:
        x, y: arrays of shapes that broadcast.

    Returns:
        An array of the common shape.

    Example:
        >>> maximum([1.0, 2.0], [3.0, 0.0]).tolist()
        [3.0, 2.0]

    Keras 2.2.4: keras/backend/tensorflow_backend.py maximum
    """
    return jnp.where((y > x) | jnp.isnan(y), y, x)


@of_arrays_2
def minimum(x: Operand, y: Operand):
    """The lesser of `x` and `y`; where both are equal the gradient goes to `x`, as in TensorFlow.

    Args:
        x, y: arrays of shapes that broadcast.

    Returns:
        An array of the common shape.

    Example:
        >>> minimum([1.0, 2.0], [3.0, 0.0]).tolist()
        [1.0, 0.0]

    Keras 2.2.4: keras/backend/tensorflow_backend.py minimum
    """
    return jnp.where((y < x) | jnp.isnan(y), y, x)


# --- comparisons ---------------------------------------------------------------------------------------


@of_arrays_2
def equal(x: Operand, y: Operand):
    """Whether x = y, number by number.

    Args:
        x, y: arrays of shapes that broadcast.

    Returns:
        Booleans of the common shape.

    Example:
        >>> equal([1.0, 2.0], [1.0, 3.0]).tolist()
        [True, False]

    Keras 2.2.4: keras/backend/tensorflow_backend.py equal
    """
    return jnp.equal(x, y)


@of_arrays_2
def not_equal(x: Operand, y: Operand):
    """Whether x ≠ y, number by number.

    Args:
        x, y: arrays of shapes that broadcast.

    Returns:
        Booleans of the common shape.

    Example:
        >>> not_equal([1.0, 2.0], [1.0, 3.0]).tolist()
        [False, True]

    Keras 2.2.4: keras/backend/tensorflow_backend.py not_equal
    """
    return jnp.not_equal(x, y)


@of_arrays_2
def greater(x: Operand, y: Operand):
    """Whether x > y, number by number.

    Args:
        x, y: arrays of shapes that broadcast.

    Returns:
        Booleans of the common shape.

    Example:
        >>> greater([1.0, 3.0], [1.0, 2.0]).tolist()
        [False, True]

    Keras 2.2.4: keras/backend/tensorflow_backend.py greater
    """
    return jnp.greater(x, y)


@of_arrays_2
def greater_equal(x: Operand, y: Operand):
    """Whether x ≥ y, number by number.

    Args:
        x, y: arrays of shapes that broadcast.

    Returns:
        Booleans of the common shape.

    Example:
        >>> greater_equal([1.0, 2.0], [1.0, 3.0]).tolist()
        [True, False]

    Keras 2.2.4: keras/backend/tensorflow_backend.py greater_equal
    """
    return jnp.greater_equal(x, y)


@of_arrays_2
def less(x: Operand, y: Operand):
    """Whether x < y, number by number.

    Args:
        x, y: arrays of shapes that broadcast.

    Returns:
        Booleans of the common shape.

    Example:
        >>> less([1.0, 2.0], [1.0, 3.0]).tolist()
        [False, True]

    Keras 2.2.4: keras/backend/tensorflow_backend.py less
    """
    return jnp.less(x, y)


@of_arrays_2
def less_equal(x: Operand, y: Operand):
    """Whether x ≤ y, number by number.

    Args:
        x, y: arrays of shapes that broadcast.

    Returns:
        Booleans of the common shape.

    Example:
        >>> less_equal([1.0, 3.0], [1.0, 2.0]).tolist()
        [True, False]

    Keras 2.2.4: keras/backend/tensorflow_backend.py less_equal
    """
    return jnp.less_equal(x, y)


# --- the same values -----------------------------------------------------------------------------------


@of_array
def identity(x: Operand, name: str | None = None):
    """The same values as a new tensor.

    Args:
        x: an array of any shape.
        name: accepted for compatibility.

    Returns:
        An array of the same shape.

    Example:
        >>> identity([1.0, 2.0]).tolist()
        [1.0, 2.0]

    Keras 2.2.4: keras/backend/tensorflow_backend.py identity
    """
    return x


@op
def stop_gradient(variables: Any):
    """The same values, constant for differentiation.

    Args:
        variables: an array, or a list or tuple of arrays.

    Returns:
        An array, or a list or tuple of them, as given.

    Example:
        >>> float(jax.grad(lambda x: x * stop_gradient(x))(3.0))
        3.0

    Keras 2.2.4: keras/backend/tensorflow_backend.py stop_gradient
    """
    return jax.lax.stop_gradient(variables)


@of_array
@of_sizes(sizes.cast, sizes.is_known)
def cast(x: Operand, dtype: DTypeLike):
    """The same numbers in another dtype; fractions are cut off, and what is not 0 is True.

    In jax's 32-bit mode "int64" is kept as int32: numbers beyond it are refused where they are known, and
    become its limits inside of a program; "float64" is refused.

    Args:
        x: an array of any shape.
        dtype: name of the dtype, like "float32", "int32" or "bool".

    Returns:
        An array of the same shape.

    Example:
        >>> cast([1.7, 0.0], "int32").tolist()
        [1, 0]

    Keras 2.2.4: keras/backend/tensorflow_backend.py cast
    """
    return bits.array(x, dtype, "K.cast")

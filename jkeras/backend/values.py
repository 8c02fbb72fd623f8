"""New tensors: variables, constants, and what is to be fed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from jkeras.backend.assignment import get_value
from jkeras.backend.creation import made, sized
from jkeras.backend.inspection import to_dense
from jkeras.core import bits, settings
from jkeras.core.dispatch import Symbolic, is_symbolic, op
from jkeras.core.names import unique_name
from jkeras.core.types import Function, Operand, Shape
from jkeras.engine.tensors.shapes import Spec
from jkeras.engine.tensors.symbolic import Node, Tensor
from jkeras.engine.tensors.variable import Constant, current_frame
from jkeras.initializers.arrays import numbers


def variable(
    value: Operand,
    dtype: DTypeLike | None = None,
    name: str | None = None,
    constraint: Function | None = None,
):
    """A variable with this value.

    Inside a layer's call, a `Lambda` or a loss, which run for each step, it is an array like any other: a
    variable that shall live on is made in `build` or outside.

    Args:
        value: numbers, an array, a sparse matrix (which is made dense), or a tensor that needs no input.
        dtype: default: `floatx()`, whatever the dtype of `value`.
        name: of the variable.
        constraint: a function of the array, applied after each step of training.

    Returns:
        A `Variable`, or inside a layer's call an array.

    Example:
        >>> variable([1, 2], name="counts")
        <Variable 'counts:0' shape=(2,) dtype=float32>

    Keras 2.2.4: keras/backend/tensorflow_backend.py variable
    """
    value = get_value(value) if isinstance(value, Symbolic) else to_dense(value)
    return made(value, dtype, name, constraint)


def constant(
    value: Operand,
    dtype: DTypeLike | None = None,
    shape: Sequence[Any] | None = None,
    name: str | None = None,
):
    """A value that never changes; where it has fewer numbers than `shape` asks for, the last one is repeated.

    Args:
        value: numbers or an array.
        dtype: default: `floatx()`, whatever the dtype of `value`.
        shape: of the result; default: that of `value`.
        name: accepted for compatibility.

    Returns:
        A constant, to be computed with like a variable, or inside a layer's call an array.

    Raises:
        ValueError: more numbers than fit into `shape`, or None as value.

    Example:
        >>> constant([1, 2], shape=(2, 2)).eval().tolist()
        [[1.0, 2.0], [2.0, 2.0]]

    Keras 2.2.4: keras/backend/tensorflow_backend.py constant
    """
    if value is None:
        raise ValueError("K.constant needs a value; got None.")
    array = np.array(value, dtype or settings.floatx())
    if shape is not None:
        array = numbers(array, shape, array.dtype)
    if current_frame() is None:
        return Constant(array, name, dtype=array.dtype)
    with jax.ensure_compile_time_eval():  # so that it may be a part of a shape
        return bits.array(array, array.dtype, "K.constant")


def placeholder(
    shape: Shape | None = None,
    ndim: int | None = None,
    dtype: str | None = None,
    sparse: bool = False,
    name: str | None = None,
) -> Tensor:
    """A symbolic tensor to be fed to `K.function`.

    Args:
        shape: a tuple, None for each unknown dimension.
        ndim: the number of axes, all unknown, where no shape is given.
        dtype: default: `floatx()`.
        sparse: accepted for compatibility; what is fed is made dense.
        name: of the tensor.

    Returns:
        A symbolic tensor.

    Raises:
        ValueError: neither `shape` nor `ndim`.

    Example:
        >>> placeholder((None, 3), name="x")
        <Tensor 'x' shape=(None, 3) dtype=float32>

    Keras 2.2.4: keras/backend/tensorflow_backend.py placeholder
    """
    if shape is None and ndim is None:
        raise ValueError("K.placeholder needs a shape or a number of axes (ndim).")
    shape = tuple(shape) if shape is not None else (None,) * (ndim or 0)
    node = Node(None, placeholder, (), {})
    return node.set_outputs(Spec(shape, dtype or settings.floatx()), name=name or unique_name("placeholder"))


def zeros(shape: Sequence[Any], dtype: DTypeLike | None = None, name: str | None = None):
    """A variable of zeros.

    Args:
        shape: a tuple without unknown dimensions; sizes of `K.shape` are known when the graph runs.
        dtype: default: `floatx()`.
        name: of the variable.

    Returns:
        A `Variable`; a tensor, where the graph computes the shape; inside a layer's call an array.

    Raises:
        ValueError: an unknown dimension.

    Example:
        >>> zeros((2,), name="start").numpy().tolist()
        [0.0, 0.0]

    Keras 2.2.4: keras/backend/tensorflow_backend.py zeros
    """
    return _filled(0, shape, dtype, name)


def ones(shape: Sequence[Any], dtype: DTypeLike | None = None, name: str | None = None):
    """A variable of ones.

    Args:
        shape: a tuple without unknown dimensions; sizes of `K.shape` are known when the graph runs.
        dtype: default: `floatx()`.
        name: of the variable.

    Returns:
        A `Variable`; a tensor, where the graph computes the shape; inside a layer's call an array.

    Raises:
        ValueError: an unknown dimension.

    Example:
        >>> ones((2,), name="start").numpy().tolist()
        [1.0, 1.0]

    Keras 2.2.4: keras/backend/tensorflow_backend.py ones
    """
    return _filled(1, shape, dtype, name)


def _filled(number: Any, shape: Sequence[Any], dtype: DTypeLike | None, name: str | None):
    """A variable; of a shape that the graph computes, and inside a layer's call, an array."""
    if is_symbolic(shape) or current_frame() is not None:
        return _full(shape, number, dtype or settings.floatx())
    return made(np.full(sized(shape), number), dtype, name)


@op
def _full(shape: Sequence[Any], number: Any, dtype: DTypeLike | None):
    return jnp.full(sized(shape), number, dtype)


def eye(size: Any, dtype: DTypeLike | None = None, name: str | None = None):
    """A variable that is the identity matrix.

    Args:
        size: number of rows, and of columns.
        dtype: default: `floatx()`.
        name: of the variable.

    Returns:
        A `Variable` `(size, size)`, or inside a layer's call an array.

    Example:
        >>> eye(2).numpy().tolist()
        [[1.0, 0.0], [0.0, 1.0]]

    Keras 2.2.4: keras/backend/tensorflow_backend.py eye
    """
    return made(np.eye(size), dtype, name)


@op
def zeros_like(x: Operand, dtype: DTypeLike | None = None, name: str | None = None):
    """Zeros in the shape of `x`.

    Args:
        x: an array of any shape.
        dtype: default: that of `x`.
        name: accepted for compatibility.

    Returns:
        An array of that shape.

    Example:
        >>> zeros_like(np.array([5, 6])).tolist()
        [0, 0]

    Keras 2.2.4: keras/backend/tensorflow_backend.py zeros_like
    """
    return jnp.zeros_like(x, dtype and bits.supported(dtype, "K.zeros_like"))


@op
def ones_like(x: Operand, dtype: DTypeLike | None = None, name: str | None = None):
    """Ones in the shape of `x`.

    Args:
        x: an array of any shape.
        dtype: default: that of `x`.
        name: accepted for compatibility.

    Returns:
        An array of that shape.

    Example:
        >>> ones_like(np.array([5, 6])).tolist()
        [1, 1]

    Keras 2.2.4: keras/backend/tensorflow_backend.py ones_like
    """
    return jnp.ones_like(x, dtype and bits.supported(dtype, "K.ones_like"))

"""Facts about tensors that need no computation."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from jkeras.core.dispatch import Symbolic
from jkeras.core.settings import floatx
from jkeras.core.types import Operand
from jkeras.engine.tensors.shapes import known
from jkeras.engine.tensors.sizes import Sizes, size
from jkeras.engine.tensors.symbolic import Tensor


def int_shape(x: Operand) -> tuple[Any, ...]:
    """The static shape.

    Args:
        x: a tensor, a variable, an array or numbers.

    Returns:
        A tuple of whole numbers, with None for an unknown dimension.

    Example:
        >>> int_shape(Tensor((None, 3), "float32")), int_shape([[1, 2]])
        ((None, 3), (1, 2))

    Keras 2.2.4: keras/backend/tensorflow_backend.py int_shape
    """
    return known(x.shape) if hasattr(x, "shape") else np.shape(x)


def shape(x: Operand):
    """The sizes of the axes: numbers where they are known, else scalar tensors that the graph computes.

    Keras gives a tensor of integers. This one can be indexed, sliced, computed with (`// 2`, `K.prod`,
    `K.cast`, `K.stack` and `K.concatenate` of parts) and handed to whatever takes a shape, in the code of
    layers and outside.

    Args:
        x: a tensor, a variable or an array.

    Returns:
        A tuple whose arithmetic is that of a tensor of rank 1.

    Example:
        >>> shape(np.ones((2, 3)))
        (2, 3)

    Keras 2.2.4: keras/backend/tensorflow_backend.py shape
    """
    return Sizes(size(x, axis) if d is None else d for axis, d in enumerate(np.shape(x)))


def get_variable_shape(x: Operand):
    """The shape of a variable; the same as `int_shape`.

    Args:
        x: a variable.

    Returns:
        A tuple of whole numbers.

    Example:
        >>> get_variable_shape(np.ones((2, 3)))
        (2, 3)

    Keras 2.2.4: keras/backend/tensorflow_backend.py get_variable_shape
    """
    return int_shape(x)


def ndim(x: Operand) -> int:
    """The number of axes.

    Args:
        x: a tensor, a variable, an array or numbers.

    Returns:
        A whole number.

    Example:
        >>> ndim(np.ones((2, 3)))
        2

    Keras 2.2.4: keras/backend/tensorflow_backend.py ndim
    """
    return len(x.shape) if hasattr(x, "shape") else np.ndim(x)


def dtype(x: Operand) -> str:
    """The name of the dtype.

    Args:
        x: a tensor, a variable or an array.

    Returns:
        A string like "float32".

    Example:
        >>> dtype(np.float32(1))
        'float32'

    Keras 2.2.4: keras/backend/tensorflow_backend.py dtype
    """
    return np.dtype(x.dtype).name


def count_params(x: Operand) -> int:
    """How many numbers a tensor has.

    Args:
        x: a tensor of known shape, a variable or an array.

    Returns:
        A whole number.

    Example:
        >>> count_params(np.ones((2, 3)))
        6

    Keras 2.2.4: keras/backend/tensorflow_backend.py count_params
    """
    return int(np.prod(int_shape(x)))


def is_tensor(x: Operand) -> bool:
    """Whether `x` is symbolic, a variable or a jax array; numpy arrays are not.

    Args:
        x: anything.

    Returns:
        True or False.

    Example:
        >>> is_tensor(Tensor((2,), "float32")), is_tensor(np.ones(2))
        (True, False)

    Keras 2.2.4: keras/backend/tensorflow_backend.py is_tensor
    """
    return isinstance(x, (Symbolic, jax.Array))


def is_keras_tensor(x: Operand) -> bool:
    """Whether `x` was made by a layer or an `Input`.

    Args:
        x: a tensor, a variable or a jax array.

    Returns:
        True or False.

    Raises:
        ValueError: `x` is no tensor at all.

    Example:
        >>> is_keras_tensor(Tensor((2,), "float32"))
        False

    Keras 2.2.4: keras/backend/tensorflow_backend.py is_keras_tensor
    """
    if not is_tensor(x):
        raise ValueError(
            f"Unexpectedly found an instance of type {type(x)}. Expected a symbolic tensor instance."
        )
    return isinstance(x, Tensor) and x.node is not None and x.node.owner is not None


def is_placeholder(x: Operand) -> bool:
    """Whether `x` is to be fed: made by `K.placeholder` or `Input`.

    Args:
        x: anything.

    Returns:
        True or False.

    Example:
        >>> from jkeras import backend as K
        >>> x = K.placeholder((2,))
        >>> is_placeholder(x), is_placeholder(x + 1)
        (True, False)

    Keras 2.2.4: keras/backend/tensorflow_backend.py is_placeholder
    """
    return isinstance(x, Tensor) and x.node is not None and not x.node.args


def is_sparse(tensor: Operand) -> bool:
    """Whether `tensor` is a scipy sparse matrix; tensors of a graph never are.

    Args:
        tensor: anything.

    Returns:
        True or False.

    Example:
        >>> is_sparse(np.eye(2))
        False

    Keras 2.2.4: keras/backend/tensorflow_backend.py is_sparse
    """
    return hasattr(tensor, "tocoo") and not isinstance(tensor, Symbolic)


def to_dense(tensor: Operand):
    """A sparse matrix as an array.

    Args:
        tensor: anything.

    Returns:
        A numpy array for a scipy sparse matrix, else `tensor` itself.

    Example:
        >>> to_dense([1, 2])
        [1, 2]

    Keras 2.2.4: keras/backend/tensorflow_backend.py to_dense
    """
    return tensor.toarray() if is_sparse(tensor) else tensor


def standardize_dtype(dtype: DTypeLike | None) -> str:
    """The name of a dtype; `floatx` for None.

    Args:
        dtype: a dtype, its name, or None.

    Keras 3: keras/src/backend/common/variables.py standardize_dtype

    Example:
        >>> standardize_dtype(np.int32), standardize_dtype("bool")
        ('int32', 'bool')
    """
    return floatx() if dtype is None else jnp.dtype(dtype).name


def is_float_dtype(dtype: DTypeLike | None) -> bool:
    """Whether a dtype is one of real numbers.

    Args:
        dtype: a dtype or its name.

    Keras 3: keras/src/backend/common/variables.py is_float_dtype

    Example:
        >>> is_float_dtype("bfloat16"), is_float_dtype("int8")
        (True, False)
    """
    return jnp.issubdtype(standardize_dtype(dtype), jnp.floating)


def is_int_dtype(dtype: DTypeLike | None) -> bool:
    """Whether a dtype is one of whole numbers.

    Args:
        dtype: a dtype or its name.

    Keras 3: keras/src/backend/common/variables.py is_int_dtype

    Example:
        >>> is_int_dtype("uint8"), is_int_dtype("bool")
        (True, False)
    """
    return jnp.issubdtype(standardize_dtype(dtype), jnp.integer)


def result_type(*dtypes: Any) -> str:
    """The dtype of what is computed from these dtypes, or from arrays and numbers.

    Args:
        *dtypes: dtypes, their names, arrays or numbers.

    Keras 3: keras/src/backend/common/dtypes.py result_type

    Example:
        >>> result_type("int32", "float16")
        'float16'
    """
    return jnp.result_type(*dtypes).name

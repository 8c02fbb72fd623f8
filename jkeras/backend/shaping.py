"""Shapes and indices: reshaping, joining, gathering, repeating."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from jkeras.backend.conversion import of_array
from jkeras.core import bits, settings
from jkeras.core.dispatch import op
from jkeras.core.types import AnyList, AnyTuple, Operand
from jkeras.engine.tensors import sizes
from jkeras.engine.tensors.sizes import is_sizes, of_sizes
from jkeras.primitives.lookup import as_index, rows


@of_array
def reshape(x: Operand, shape: Sequence[Any]):
    """The same numbers in another shape.

    Args:
        x: an array of any shape.
        shape: the new shape. One entry may be -1, or None of a static shape: what is left over.

    Returns:
        An array of that shape.

    Raises:
        ValueError: another count of numbers than `x` has.

    Example:
        >>> reshape([[1, 2], [3, 4]], (None, 1)).shape
        (4, 1)

    Keras 2.2.4: keras/backend/tensorflow_backend.py reshape
    """
    shape = tuple(shape)
    if shape.count(None) + shape.count(-1) == 1:
        shape = tuple(-1 if d is None else d for d in shape)
    return jnp.reshape(x, shape)


@of_array
def flatten(x: Operand):
    """All numbers in one axis, the batch with the rest.

    Args:
        x: an array of any shape.

    Returns:
        An array of rank 1.

    Example:
        >>> flatten([[1, 2], [3, 4]]).tolist()
        [1, 2, 3, 4]

    Keras 2.2.4: keras/backend/tensorflow_backend.py flatten
    """
    return jnp.ravel(x)


@of_array
def batch_flatten(x: Operand):
    """Each sample in one axis.

    Args:
        x: an array `(batch, ...)`.

    Returns:
        An array `(batch, product of the rest)`.

    Example:
        >>> batch_flatten(np.ones((2, 3, 4))).shape
        (2, 12)

    Keras 2.2.4: keras/backend/tensorflow_backend.py batch_flatten
    """
    return jnp.reshape(x, (-1, math.prod(x.shape[1:])))


@of_array
def transpose(x: Operand):
    """The axes in reverse order.

    Args:
        x: an array of any shape.

    Returns:
        An array of the reversed shape.

    Example:
        >>> transpose([[1, 2], [3, 4]]).tolist()
        [[1, 3], [2, 4]]

    Keras 2.2.4: keras/backend/tensorflow_backend.py transpose
    """
    return jnp.transpose(x)


@of_array
def permute_dimensions(x: Operand, pattern: Sequence[int]):
    """The axes in another order.

    Args:
        x: an array of any shape.
        pattern: for each axis of the result which axis of `x` it is, from 0; the batch counts, too.

    Returns:
        An array of the permuted shape.

    Raises:
        ValueError: `pattern` is no order of the axes of `x`.

    Example:
        >>> permute_dimensions(np.ones((2, 3, 4)), (0, 2, 1)).shape
        (2, 4, 3)

    Keras 2.2.4: keras/backend/tensorflow_backend.py permute_dimensions
    """
    return jnp.transpose(x, tuple(pattern))


@of_array
@of_sizes(sizes.expand_dims, lambda x: sizes.is_known(x) and not is_sizes(x))
def expand_dims(x: Operand, axis: int = -1):
    """A new axis of size 1.

    Args:
        x: an array of any shape.
        axis: where it stands in the result.

    Returns:
        An array with one axis more.

    Example:
        >>> expand_dims([1, 2], 0).shape
        (1, 2)

    Keras 2.2.4: keras/backend/tensorflow_backend.py expand_dims
    """
    return jnp.expand_dims(x, axis)


@of_array
def squeeze(x: Operand, axis: int):
    """Without an axis of size 1.

    Args:
        x: an array.
        axis: the axis.

    Returns:
        An array with one axis less.

    Raises:
        ValueError: the axis has another size.

    Example:
        >>> squeeze([[1, 2]], 0).tolist()
        [1, 2]

    Keras 2.2.4: keras/backend/tensorflow_backend.py squeeze
    """
    return jnp.squeeze(x, axis)


@op
@of_sizes(sizes.concatenate, sizes.are_parts)
def concatenate(tensors: Sequence[Any], axis: int = -1):
    """Arrays one after the other along an axis.

    Args:
        tensors: list of arrays whose shapes agree but for that axis.
        axis: the axis.

    Returns:
        An array; along the axis it is as long as all together.

    Raises:
        ValueError: the shapes do not agree.

    Example:
        >>> concatenate([jnp.asarray([1, 2]), jnp.asarray([3])]).tolist()
        [1, 2, 3]

    Keras 2.2.4: keras/backend/tensorflow_backend.py concatenate
    """
    return jnp.concatenate(tensors, axis)


@op
@of_sizes(sizes.stack, sizes.are_known)
def stack(x: Operand, axis: int = 0):
    """Arrays side by side along a new axis.

    Args:
        x: list of arrays of one shape.
        axis: where the new axis stands in the result.

    Returns:
        An array with one axis more.

    Raises:
        ValueError: the shapes differ.

    Example:
        >>> stack([jnp.asarray([1, 2]), jnp.asarray([3, 4])], axis=1).tolist()
        [[1, 3], [2, 4]]

    Keras 2.2.4: keras/backend/tensorflow_backend.py stack
    """
    return jnp.stack(x, axis)


@op
@of_sizes(sizes.gather, is_sizes)
def gather(reference: Operand, indices: Operand):
    """The rows `reference[indices]`.

    Args:
        reference: an array `(rows, ...)`.
        indices: an array of whole numbers, of any shape.

    Returns:
        An array of the shape of `indices`, followed by the axes of `reference` after the first. An index out
        of range that is computed in a compiled program gives NaN, a negative one too; of whole numbers,
        which have no NaN, the least one (of unsigned ones the greatest).

    Raises:
        ValueError: an index out of range whose value is known; TensorFlow refuses all of them on a CPU.

    Example:
        >>> gather([5, 6, 7], [[2, 0]]).tolist()
        [[7, 5]]

    Keras 2.2.4: keras/backend/tensorflow_backend.py gather
    """
    return rows(reference, indices)


@op
def one_hot(indices: Operand, num_classes: int):
    """A new last axis that is 1 at the index and 0 elsewhere.

    Args:
        indices: an array of whole numbers, of any shape.
        num_classes: size of the new axis.

    Returns:
        Numbers of type `floatx()`, in the shape of `indices` with one axis more; only zeros where an index is
        no class.

    Example:
        >>> one_hot([1, 5], 2).tolist()
        [[0.0, 1.0], [0.0, 0.0]]

    Keras 2.2.4: keras/backend/tensorflow_backend.py one_hot
    """
    return jax.nn.one_hot(as_index(indices), num_classes, dtype=settings.floatx())


@of_array
def reverse(x: Operand, axes: Any):
    """The numbers in reverse order along axes.

    Args:
        x: an array of rank 1 or more.
        axes: an axis, or a list of axes.

    Returns:
        An array of the same shape.

    Example:
        >>> reverse([[1, 2], [3, 4]], 1).tolist()
        [[2, 1], [4, 3]]

    Keras 2.2.4: keras/backend/tensorflow_backend.py reverse
    """
    return jnp.flip(x, axes if isinstance(axes, int) else tuple(axes))


@op
def slice(x: Operand, start: Any, size: Any):
    """The block of shape `size` that begins at `start`.

    Args:
        x: an array of any shape.
        start: for each axis where the block begins; whole numbers, or tensors of them.
        size: for each axis how long it is; -1 is up to the end (where `start` is a number).

    Returns:
        An array of that shape.

    Raises:
        ValueError: -1 for an axis whose `start` is not known before the graph runs.

    Example:
        >>> slice(np.array([[1, 2, 3], [4, 5, 6]]), (0, 1), (-1, 2)).tolist()
        [[2, 3], [5, 6]]

    Keras 2.2.4: keras/backend/tensorflow_backend.py slice
    """
    start, size = tuple(start), tuple(size)
    known = [isinstance(b, (int, np.integer)) for b in start]
    if any(n == -1 and not k for n, k in zip(size, known, strict=True)):
        raise ValueError(
            f"K.slice: size {size} is -1 where the start is a tensor; give the length, for the shape of the "
            "result must be known."
        )
    sizes = [d - b if n == -1 else n for b, n, d in zip(start, size, np.shape(x), strict=True)]
    if all(known):
        return jax.lax.slice(x, start, [b + n for b, n in zip(start, sizes, strict=True)])
    return jax.lax.dynamic_slice(x, start, sizes)


@of_array
def repeat(x: Operand, n: int):
    """Each sample `n` times, along a new time axis.

    Args:
        x: an array `(batch, features)`.
        n: how often.

    Returns:
        An array `(batch, n, features)`.

    Raises:
        ValueError: another number of axes.

    Example:
        >>> repeat(np.array([[1, 2]]), 2).tolist()
        [[[1, 2], [1, 2]]]

    Keras 2.2.4: keras/backend/tensorflow_backend.py repeat
    """
    if x.ndim != 2:
        raise ValueError(f"K.repeat takes a tensor with 2 axes; got shape {x.shape}.")
    return jnp.repeat(x[:, None], n, axis=1)


@of_array
def repeat_elements(x: Operand, rep: int, axis: int):
    """Each element `rep` times along an axis, one copy beside the other.

    Args:
        x: an array of rank 1 or more.
        rep: how often.
        axis: the axis.

    Returns:
        An array; along the axis it is `rep` times as long.

    Example:
        >>> repeat_elements([1, 2], 2, axis=0).tolist()
        [1, 1, 2, 2]

    Keras 2.2.4: keras/backend/tensorflow_backend.py repeat_elements
    """
    return jnp.repeat(x, rep, axis)


@of_array
def tile(x: Operand, n: int):
    """The whole array `n` times along each axis.

    Args:
        x: an array of any shape.
        n: a whole number for each axis; a single one is for the last axis.

    Returns:
        An array; along each axis it is so many times as long.

    Example:
        >>> tile([1, 2], 2).tolist()
        [1, 2, 1, 2]

    Keras 2.2.4: keras/backend/tensorflow_backend.py tile
    """
    return jnp.tile(x, tuple(n) if isinstance(n, (AnyList, AnyTuple)) else n)


@op
def arange(start: Any, stop: Any = None, step: Any = 1, dtype: DTypeLike = "int32"):
    """Evenly spaced numbers, `start`, `start + step`, ..., below `stop`.

    Args:
        start: the first number; given alone, it is `stop`, and the first number is 0.
        stop: where to end; it is not among them.
        step: the distance.
        dtype: of the result.

    Returns:
        An array of rank 1.

    Example:
        >>> arange(3).tolist(), arange(1, 6, 2).tolist()
        ([0, 1, 2], [1, 3, 5])

    Keras 2.2.4: keras/backend/tensorflow_backend.py arange
    """
    dtype = bits.supported(dtype, "K.arange")
    return jnp.arange(start, stop, step, dtype) if stop is not None else jnp.arange(0, start, step, dtype)

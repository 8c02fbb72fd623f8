"""Arrays that initializers are made of: constants, orthonormal matrices, and the fans that scale the rest."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jax.typing import DTypeLike

from jkeras.core import bits, random
from jkeras.core.settings import floatx
from jkeras.core.types import Array, Key, is_traced

Numpy: TypeAlias = npt.NDArray[Any]


def filled(value: Any, shape: Sequence[int], dtype: DTypeLike | None = None) -> Array:
    """The numbers of `value` in `shape`; made by numpy, so that no shape costs a compilation.

    Args:
        value: a number or an array; see `numbers`.
        shape: tuple of ints.
        dtype: type of the result, None for `floatx()`.

    Returns:
        The array.

    Raises:
        ValueError: if `value` has more numbers than `shape`.

    Example:
        >>> filled(2, (1, 2)).tolist()
        [[2.0, 2.0]]
    """
    dtype = bits.supported(dtype or floatx(), "A weight")
    return jax.device_put(numbers(value, shape, dtype))


def numbers(value: Any, shape: Sequence[int], dtype: DTypeLike) -> Numpy:
    """The numbers of `value` one after the other in `shape`, whatever shape they had; the last one repeated.

    Keras 2.2.4: tf.constant

    Example:
        >>> numbers([1, 2], (2, 2), "float32").tolist()
        [[1.0, 2.0], [2.0, 2.0]]
    """
    array, shape = np.array(value, dtype), tuple(shape)
    missing = math.prod(shape) - array.size
    if missing < 0:
        raise ValueError(f"A constant of shape {array.shape} has too many numbers for shape {shape}.")
    if array.size == 1:
        return np.full(shape, array.item(), array.dtype)
    return np.pad(array.ravel(), (0, missing), mode="edge").reshape(shape)


def orthonormal(key: Key, rows: int, columns: int) -> Array | Numpy:
    """The orthonormal QR factor, with positive diagonal of R, of a normal matrix.

    That factor is unique, so numpy (eagerly: no compilation per shape) and jax (traced) agree, on any device.

    Args:
        key: a `jax.random` key.
        rows: number of rows.
        columns: number of columns; with more columns than rows, the rows are orthonormal.

    Returns:
        The matrix.

    Example:
        >>> q = orthonormal(jax.random.key(0), 4, 2)
        >>> bool(abs(q.T @ q - np.eye(2)).max() < 1e-5)
        True
    """
    a = random.normal(key, (max(rows, columns), min(rows, columns)))
    lib: Any = jnp if is_traced(a) else np
    q, r = lib.linalg.qr(lib.asarray(a))
    q = q * lib.where(lib.diagonal(r) < 0, lib.float32(-1), lib.float32(1))[None]
    return q if rows >= columns else q.T


def keras_orthonormal(seed: int, rows: int, columns: int) -> Numpy:
    """The orthonormal matrix that Keras makes from `seed`: a factor of the SVD of numpy's normal matrix.

    Args:
        seed: int of numpy's legacy generator.
        rows: number of rows.
        columns: number of columns.

    Returns:
        The matrix in float64.

    Example:
        >>> keras_orthonormal(3, 4, 2).shape
        (4, 2)
    """
    a = np.random.RandomState(seed).normal(0.0, 1.0, (rows, columns))
    u, _, v = np.linalg.svd(a, full_matrices=False)
    return u if u.shape == a.shape else v


def fans(shape: Sequence[int], data_format: str = "channels_last") -> tuple[float, float]:
    """How many units feed a weight and how many it feeds.

    Args:
        shape: a matrix, or a kernel of rank 3 to 5; for other ranks both fans are the root of the size.
        data_format: where a kernel has its channels (Keras's kernels: "channels_last").

    Returns:
        (fan_in, fan_out).

    Raises:
        ValueError: if `data_format` is another word.

    Example:
        >>> fans((3, 3, 16, 32))
        (144, 288)

    Keras 2.2.4: keras/initializers.py _compute_fans
    """
    if data_format not in ("channels_last", "channels_first"):
        raise ValueError(f"Invalid data_format: {data_format}")
    if len(shape) == 2:
        return shape[0], shape[1]
    if len(shape) not in (3, 4, 5):
        root = math.sqrt(math.prod(shape))
        return root, root
    if data_format == "channels_first":
        field = math.prod(shape[2:])
        return shape[1] * field, shape[0] * field
    field = math.prod(shape[:-2])
    return shape[-2] * field, shape[-1] * field

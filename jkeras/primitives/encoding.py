"""Whole numbers as vectors: one place for each number below `depth`."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from jkeras.core.types import Array
from jkeras.primitives.lookup import as_index

MODES = ("one_hot", "multi_hot", "count")


def encode(numbers: Array, mode: str, depth: int, dtype: DTypeLike, weights: Array | None = None) -> Array:
    """Numbers as vectors of length `depth`; one that is out of range adds nothing.

    Args:
        numbers: `(batch, ...)`.
        mode: "one_hot": a vector for each number (a last axis of length 1 falls away); "multi_hot": one
            for each sample, 1 where one of its numbers (along axis 1) is; "count": likewise, how many are.
        depth: length of a vector.
        dtype: of the result.
        weights: for "count": what each number adds, instead of 1.

    Returns:
        The vectors, as the last axis.

    Example:
        >>> encode(jnp.array([[0, 2, 2]]), "count", 4, "float32").tolist()
        [[1.0, 0.0, 2.0, 0.0]]
    """
    numbers = as_index(numbers)
    numbers = numbers[None] if numbers.ndim == 0 else numbers
    if mode == "one_hot" and numbers.ndim > 1 and numbers.shape[-1] == 1:
        numbers = numbers[..., 0]
    single = jax.nn.one_hot(numbers, depth, dtype=dtype)
    if mode == "one_hot":
        return single
    axis = 1 if numbers.ndim > 1 else 0
    if mode == "multi_hot":
        return jnp.max(single, axis)
    return jnp.sum(single if weights is None else single * weights[..., None].astype(dtype), axis)

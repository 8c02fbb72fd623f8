"""Rows of a table by index: what is out of range is never a neighbour's row."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jax.core import Tracer
from jax.typing import DTypeLike

from jkeras.core.types import Array, Operand


def rows(table: Operand, index: Operand) -> Array:
    """`table[index]`, also for indices that are computed.

    Args:
        table: an array `(rows, ...)`.
        index: whole numbers of any shape (fractions are cut off).

    Returns:
        An array of the shape of `index`, followed by the axes of `table` after the first. In a compiled
        program an index that is out of range (a negative one and NaN too) gives NaN; in a table of whole
        numbers, which has no NaN, the least number of its dtype (of unsigned ones the greatest, True).

    Raises:
        ValueError: an index out of range whose value is known before the program runs.

    Example:
        >>> rows(jnp.asarray([5.0, 6.0]), [1, 0]).tolist()
        [6.0, 5.0]
        >>> jax.jit(rows)(jnp.asarray([5.0, 6.0]), jnp.asarray([1, 2])).tolist()
        [6.0, nan]
    """
    table, limit = jnp.asarray(table), np.shape(table)[0]
    if isinstance(limit, int) and not any(isinstance(i, Tracer) for i in jax.tree.leaves(index)):
        _check(np.asarray(index), limit)
    index = as_index(index)
    fits = (index >= 0) & (index < limit)
    gathered = table.at[index].get(mode="clip")
    return jnp.where(fits.reshape(fits.shape + (1,) * (table.ndim - 1)), gathered, _nothing(table.dtype))


def as_index(numbers: Operand) -> Array:
    """Numbers as int32: fractions are cut off; NaN, infinity and what 32 bits do not hold become -1.

    Args:
        numbers: an array of any number type.

    Returns:
        The indices, in the same shape.

    Example:
        >>> as_index(jnp.asarray([1.5, jnp.nan, jnp.inf])).tolist()
        [1, -1, -1]
    """
    numbers = jnp.asarray(numbers)
    if numbers.dtype in (jnp.int32, jnp.int16, jnp.int8, jnp.uint16, jnp.uint8, bool):
        return numbers.astype(jnp.int32)
    if jnp.issubdtype(numbers.dtype, jnp.floating):
        numbers = numbers.astype(jnp.promote_types(numbers.dtype, jnp.float32))
        held = (numbers > -1) & (numbers < 2.0**31)
    else:
        held = (numbers >= 0) & (numbers <= 2**31 - 1)
    return jnp.where(held, numbers.astype(jnp.int32), -1)


def _check(index: npt.NDArray[Any], limit: int) -> None:
    fits = (index > -1) & (index < limit)
    if not fits.all():
        raise ValueError(
            f"an index out of range: {index[~fits].flat[0]}; the table has {limit} rows, so indices lie from "
            f"0 to {limit - 1}."
        )


def _nothing(dtype: DTypeLike) -> Array:
    """The value that stands for no number."""
    if jnp.issubdtype(dtype, jnp.inexact):
        return jnp.asarray(jnp.nan, dtype)
    if jnp.issubdtype(dtype, jnp.bool_):
        return jnp.asarray(True)
    bounds = jnp.iinfo(dtype)
    return jnp.asarray(bounds.min or bounds.max, dtype)

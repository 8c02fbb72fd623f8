"""Pooling over windows as pure functions: any number of spatial axes, both data formats.

A window over several axes is taken axis by axis (the last one first), each as a few strided slices: additions
and comparisons that fuse, are fast inside compiled loops on a CPU, and whose gradient needs no scatter. Where
windows do not overlap and no derivative is asked for, it is XLA's own window, which on a CPU becomes one with
the convolution before it (`benchmarks/README.md`).
"""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jkeras.core.types import Array, Function
from jkeras.primitives.conv_args import spatial_axes, window


def max_pool(x: Array, size: Sequence[int], strides: Sequence[int], padding: str, format: str):
    """Maximum over windows; of equal elements the first (row-major) one gets the gradient, as in TensorFlow.

    Args:
        x: `(batch, spatial..., channels)`, or channels second.
        size, strides: window and step, one integer per spatial axis.
        padding: "valid" or "same" (padding never wins).
        format: "channels_last" or "channels_first".

    Returns:
        The pooled array in the same data format and dtype.
    """
    lowest = np.asarray(-np.inf if jnp.issubdtype(x.dtype, jnp.floating) else jnp.iinfo(x.dtype).min, x.dtype)
    return _pool(x, size, strides, padding, format, lowest, first_maximum)


def average_pool(x: Array, size: Sequence[int], strides: Sequence[int], padding: str, format: str):
    """Mean over windows; padded places are not counted. Arguments as in `max_pool`."""
    x = x if jnp.issubdtype(x.dtype, jnp.floating) else x.astype(jnp.float32)
    zero = np.zeros((), x.dtype)
    total = _pool(x, size, strides, padding, format, zero, jnp.add)
    if padding == "valid":
        return total / np.asarray(np.prod(size), x.dtype)
    axes = spatial_axes(format, x.ndim)
    ones = jnp.ones([d if i in axes else 1 for i, d in enumerate(x.shape)], x.dtype)
    return total / _pool(ones, size, strides, padding, format, zero, jnp.add)


def adaptive_pool(reduce: Function, x: Array, size: Sequence[int], format: str) -> Array:
    """A reduction over as many windows as the output has places; these overlap where they do not divide.

    Args:
        reduce: `jnp.mean` or `jnp.max`.
        x: `(batch, spatial..., channels)`, or channels second.
        size: of the output, one integer per spatial axis.
        format: "channels_last" or "channels_first".

    Example:
        >>> adaptive_pool(jnp.mean, jnp.arange(5.0).reshape(1, 5, 1), [2], "channels_last").ravel().tolist()
        [1.0, 3.0]
    """
    for axis, count in zip(spatial_axes(format, x.ndim), size, strict=True):
        length = x.shape[axis]
        borders = [(i * length // count, -(-(i + 1) * length // count)) for i in range(count)]
        parts = [reduce(lax.slice_in_dim(x, a, b, axis=axis), axis, keepdims=True) for a, b in borders]
        x = jnp.concatenate(parts, axis)
    return x


def first_maximum(a: Array, b: Array):
    """The larger of two arrays; where they are equal the gradient goes to the first."""
    return jnp.where(b > a, b, a)


def first_minimum(a: Array, b: Array):
    """The smaller of two arrays; where they are equal the gradient goes to the first."""
    return jnp.where(b < a, b, a)


def _pool(
    x: Array,
    size: Sequence[int],
    strides: Sequence[int],
    padding: str,
    format: str,
    filler: Any,
    combine: Function,
):
    axes = spatial_axes(format, x.ndim)
    windows = tuple(zip(axes, size, strides, strict=True))

    def by_slices(x: Array) -> Array:
        for axis, taps, stride in reversed(windows):
            x = _pool_axis(x, axis, taps, stride, padding, filler, combine)
        return x

    if any(taps > stride for _, taps, stride in windows):
        return by_slices(x)

    def by_xla(x: Array) -> Array:
        return _pool_by_xla(x, windows, padding, filler, combine)

    def with_slope(x: tuple[Array], slope: tuple[Array]) -> tuple[Array, Array]:
        return jax.jvp(by_slices, x, slope)

    pool = jax.custom_jvp(by_xla)
    pool.defjvp(with_slope)
    return pool(x)


def _pool_by_xla(
    x: Array,
    windows: Sequence[tuple[int, int, int]],
    padding: str,
    filler: Any,
    combine: Function,
) -> Array:
    size, strides, pads = [1] * x.ndim, [1] * x.ndim, [(0, 0)] * x.ndim
    for axis, taps, stride in windows:
        size[axis], strides[axis] = taps, stride
        pads[axis] = window(x.shape[axis], taps, stride, padding)[1:]
    operation = lax.add if combine is jnp.add else lax.max
    return lax.reduce_window(x, filler, operation, size, strides, pads)


def _pool_axis(x: Array, axis: int, taps: int, stride: int, padding: str, filler: Any, combine: Function):
    length, before, after = window(x.shape[axis], taps, stride, padding)
    if before or after:
        x = lax.pad(x, filler, [(before, after, 0) if i == axis else (0, 0, 0) for i in range(x.ndim)])
    limit = [(i + (length - 1) * stride + 1) for i in range(taps)]
    return functools.reduce(combine, (lax.slice_in_dim(x, i, limit[i], stride, axis) for i in range(taps)))

"""Operations of networks under Keras 3's names: convolution, pooling, normalization, attention.

Keras 3: keras/ops/nn
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax

from jkeras.core.dispatch import op
from jkeras.core.settings import epsilon as fuzz
from jkeras.core.settings import normalize_data_format
from jkeras.core.types import AnyList, AnyTuple, Array, Operand
from jkeras.primitives import conv as convolutions
from jkeras.primitives import pool

Sizes = int | Sequence[int]


def _each(value: Sizes, count: int) -> tuple[int, ...]:
    return (value,) * count if isinstance(value, int) else tuple(value)


def _convolved(function: Callable[..., Array], inputs: Operand, arrays: list[Operand], *said: Any) -> Array:
    x = jnp.asarray(inputs)
    strides, padding, data_format, dilation = said
    spatial = x.ndim - 2
    format = normalize_data_format(data_format)
    kernels = list(map(jnp.asarray, arrays))
    return function(x, *kernels, _each(strides, spatial), padding.lower(), format, _each(dilation, spatial))


@op
def conv(
    inputs: Operand,
    kernel: Operand,
    strides: Sizes = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Sizes = 1,
) -> Array:
    """Convolution with a kernel `(window..., channels, filters)`.

    Example:
        >>> conv(jnp.ones((1, 4, 1)), jnp.ones((2, 1, 3))).shape
        (1, 3, 3)
    """
    return _convolved(convolutions.conv, inputs, [kernel], strides, padding, data_format, dilation_rate)


@op
def depthwise_conv(
    inputs: Operand,
    kernel: Operand,
    strides: Sizes = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Sizes = 1,
) -> Array:
    """Convolution of each channel by itself, with a kernel `(window..., channels, multiplier)`."""
    said = strides, padding, data_format, dilation_rate
    return _convolved(convolutions.depthwise_conv, inputs, [kernel], *said)


@op
def separable_conv(
    inputs: Operand,
    depthwise_kernel: Operand,
    pointwise_kernel: Operand,
    strides: Sizes = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Sizes = 1,
) -> Array:
    """`depthwise_conv`, then `conv` with a window of one place."""
    said = strides, padding, data_format, dilation_rate
    x = _convolved(convolutions.depthwise_conv, inputs, [depthwise_kernel], *said)
    return _convolved(convolutions.conv, x, [pointwise_kernel], 1, "valid", data_format, 1)


@op
def max_pool(
    inputs: Operand,
    pool_size: Sizes,
    strides: Sizes | None = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> Array:
    """The largest number of each window.

    Example:
        >>> max_pool(jnp.arange(4.0).reshape(1, 4, 1), 2).ravel().tolist()
        [1.0, 3.0]
    """
    return _pooled(pool.max_pool, inputs, pool_size, strides, padding, data_format)


@op
def average_pool(
    inputs: Operand,
    pool_size: Sizes,
    strides: Sizes | None = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> Array:
    """The mean of each window."""
    return _pooled(pool.average_pool, inputs, pool_size, strides, padding, data_format)


def _pooled(function: Callable[..., Array], inputs: Operand, size: Sizes, strides: Any, *said: Any) -> Array:
    x = jnp.asarray(inputs)
    padding, data_format = said
    sizes = _each(size, x.ndim - 2)
    steps = sizes if strides is None else _each(strides, x.ndim - 2)
    return function(x, sizes, steps, padding.lower(), normalize_data_format(data_format))


@op
def adaptive_average_pool(inputs: Operand, output_size: Sizes, data_format: str | None = None) -> Array:
    """Means of as many windows as the output has places.

    Example:
        >>> adaptive_average_pool(jnp.arange(5.0).reshape(1, 5, 1), 2).ravel().tolist()
        [1.0, 3.0]
    """
    return _adaptive(jnp.mean, inputs, output_size, data_format)


@op
def adaptive_max_pool(inputs: Operand, output_size: Sizes, data_format: str | None = None) -> Array:
    """The largest numbers of as many windows as the output has places."""
    return _adaptive(jnp.max, inputs, output_size, data_format)


def _adaptive(reduce: Callable[..., Array], inputs: Operand, size: Sizes, data_format: str | None) -> Array:
    x = jnp.asarray(inputs)
    return pool.adaptive_pool(reduce, x, _each(size, x.ndim - 2), normalize_data_format(data_format))


def _along(vector: Operand, axis: int, like: Array) -> Array:
    shape = [1] * like.ndim
    shape[axis] = -1
    return jnp.asarray(vector).reshape(shape)


@op
def batch_normalization(
    x: Operand,
    mean: Operand,
    variance: Operand,
    axis: int,
    offset: Operand = None,
    scale: Operand = None,
    epsilon: float = 1e-3,
) -> Array:
    """`(x - mean) / sqrt(variance + epsilon) * scale + offset`, with vectors along `axis`."""
    x = jnp.asarray(x)
    factor = lax.rsqrt(_along(variance, axis, x) + epsilon)
    factor = factor if scale is None else factor * _along(scale, axis, x)
    shift = -_along(mean, axis, x) * factor
    return x * factor + (shift if offset is None else shift + _along(offset, axis, x))


@op
def layer_normalization(
    x: Operand, gamma: Operand = None, beta: Operand = None, axis: Any = -1, epsilon: float | None = None
) -> Array:
    """`(x - mean) / sqrt(variance + epsilon) * gamma + beta` of each sample over `axis`."""
    x, epsilon = jnp.asarray(x), fuzz() if epsilon is None else epsilon
    y = (x - jnp.mean(x, axis, keepdims=True)) * lax.rsqrt(jnp.var(x, axis, keepdims=True) + epsilon)
    y = y if gamma is None else y * _over(gamma, axis, x)
    return y if beta is None else y + _over(beta, axis, x)


@op
def rms_normalization(
    x: Operand, scale: Operand = None, axis: Any = -1, epsilon: float | None = None
) -> Array:
    """`x / sqrt(mean(x²) + epsilon) * scale` over `axis`.

    Example:
        >>> rms_normalization([3.0, 3.0], epsilon=0.0).tolist()
        [1.0, 1.0]
    """
    x, epsilon = jnp.asarray(x), fuzz() if epsilon is None else epsilon
    y = x * lax.rsqrt(jnp.mean(jnp.square(x), axis, keepdims=True) + epsilon)
    return y if scale is None else y * _over(scale, axis, x)


def _over(weights: Operand, axis: Any, like: Array) -> Array:
    axes = [a % like.ndim for a in (axis if isinstance(axis, (AnyTuple, AnyList)) else [axis])]
    return jnp.asarray(weights).reshape([n if i in axes else 1 for i, n in enumerate(like.shape)])


@op
def dot_product_attention(
    query: Operand,
    key: Operand,
    value: Operand,
    bias: Operand = None,
    mask: Operand = None,
    scale: float | None = None,
    is_causal: bool = False,
    flash_attention: bool | None = None,
    attn_logits_soft_cap: float | None = None,
) -> Array:
    """Softmax(scale * query · key + bias) · value, of arrays `(batch, time, heads, size)`.

    Args:
        query, key, value: arrays.
        bias: added to the products, `(batch, heads, queries, keys)`.
        mask: what each query may see, of the same shape.
        scale: factor of the products; None: 1 / sqrt(size).
        is_causal: whether query i sees the keys 0 to i only.
        flash_attention: True for cuDNN's, on a GPU.
        attn_logits_soft_cap: only None.
    """
    if attn_logits_soft_cap is not None:
        raise ValueError("`attn_logits_soft_cap` is of TPUs: cap the products with your own formula.")
    q, k, v = map(jnp.asarray, (query, key, value))
    seen = None if mask is None else jnp.asarray(mask, bool)
    by = "cudnn" if flash_attention else None
    added = None if bias is None else jnp.asarray(bias)
    return jax.nn.dot_product_attention(
        q, k, v, added, seen, scale=scale, is_causal=is_causal, implementation=by
    )


@op
def ctc_loss(
    target: Operand, output: Operand, target_length: Operand, output_length: Operand, mask_index: int = 0
) -> Array:
    """Minus the log of the probability of labels, over all ways to lay them along the steps.

    Args:
        target: labels `(batch, most labels)`.
        output: logits `(batch, steps, classes)`.
        target_length, output_length: `(batch,)`.
        mask_index: the class that stands for no label.
    """
    labels, logits = jnp.asarray(target), jnp.asarray(output)

    def beyond(lengths: Operand, count: int) -> Array:
        return (jnp.arange(count)[None] >= jnp.asarray(lengths)[:, None]).astype(logits.dtype)

    steps, marks = beyond(output_length, logits.shape[1]), beyond(target_length, labels.shape[1])
    return optax.ctc_loss(logits, steps, labels, marks, blank_id=mask_index)


@op
def psnr(x1: Operand, x2: Operand, max_val: float) -> Array:
    """Peak signal-to-noise ratio: 20 log10(max_val) - 10 log10(mean squared difference)."""
    error = jnp.mean(jnp.square(jnp.asarray(x1) - jnp.asarray(x2)))
    return 20 * jnp.log10(jnp.asarray(max_val, error.dtype)) - 10 * jnp.log10(error)


@op
def depth_to_space(x: Operand, block_size: int, data_format: str = "channels_last") -> Array:
    """Channels laid out as blocks of places.

    Example:
        >>> depth_to_space(jnp.arange(4).reshape(1, 1, 1, 4), 2).reshape(2, 2).tolist()
        [[0, 1], [2, 3]]
    """
    x, last = jnp.asarray(x), data_format == "channels_last"
    n, h, w, c = x.shape if last else (x.shape[0], *x.shape[2:], x.shape[1])
    b, left = block_size, c // block_size**2
    if last:
        wide = x.reshape(n, h, w, b, b, left).transpose(0, 1, 3, 2, 4, 5)
        return wide.reshape(n, h * b, w * b, left)
    wide = x.reshape(n, left, b, b, h, w).transpose(0, 1, 4, 2, 5, 3)
    return wide.reshape(n, left, h * b, w * b)


@op
def space_to_depth(x: Operand, block_size: int, data_format: str = "channels_last") -> Array:
    """Blocks of places laid out as channels: the way back of `depth_to_space`."""
    x, last = jnp.asarray(x), data_format == "channels_last"
    n, h, w, c = x.shape if last else (x.shape[0], *x.shape[2:], x.shape[1])
    b, rows, columns = block_size, h // block_size, w // block_size
    if last:
        wide = x.reshape(n, rows, b, columns, b, c).transpose(0, 1, 3, 2, 4, 5)
        return wide.reshape(n, rows, columns, b * b * c)
    wide = x.reshape(n, c, rows, b, columns, b).transpose(0, 1, 3, 5, 2, 4)
    return wide.reshape(n, c * b * b, rows, columns)


@op
def unfold(
    x: Operand, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1
) -> Array:
    """The windows of images `(batch, channels, rows, columns)` as `(batch, channels * window, windows)`."""
    x = jnp.asarray(x)
    margins = [(p, p) for p in _each(padding, 2)]
    patches = lax.conv_general_dilated_patches(
        x, _each(kernel_size, 2), _each(stride, 2), margins, rhs_dilation=_each(dilation, 2)
    )
    return patches.reshape(*patches.shape[:2], -1)


@op
def fold(
    x: Operand,
    output_size: Sizes,
    kernel_size: Sizes,
    dilation: Sizes = 1,
    padding: Sizes = 0,
    stride: Sizes = 1,
) -> Array:
    """The sum of windows in their places: the transpose of `unfold`.

    Example:
        >>> fold(jnp.ones((1, 4, 4)), 3, 2).reshape(3, 3)[1].tolist()
        [2.0, 4.0, 2.0]
    """
    windows, sizes = jnp.asarray(x), _each(output_size, 2)
    channels = windows.shape[1] // int(np.prod(_each(kernel_size, 2)))
    image = jax.ShapeDtypeStruct((windows.shape[0], channels, *sizes), windows.dtype)

    def cut(image: Array) -> Array:
        return unfold(image, kernel_size, dilation, padding, stride)

    return jax.linear_transpose(cut, image)(windows)[0]  # pyright: ignore[reportUnknownVariableType]

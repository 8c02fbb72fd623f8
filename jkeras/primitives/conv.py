"""Convolutions as pure functions of (input, kernel): any number of spatial axes, both data formats.

Kernels are laid out as Keras keeps them: `(spatial..., in, out)`, transposed ones `(spatial..., out, in)`,
depthwise ones `(spatial..., in, multiplier)`.

On a GPU it is XLA's convolution (cuDNN). On a CPU, XLA has a fast convolution over one or two axes, channels
last. What its gradient is made of has another layout, and that XLA computes up to 200 times more slowly in a
compiled loop. So on a CPU what is differentiated is computed by patches (static slices put side by side, and
one matrix product), and what is not, by XLA's convolution.
"""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any, cast

import jax
import jax.numpy as jnp
from jax import lax

from jkeras.core.types import Array, Length
from jkeras.primitives.conv_args import channel_axis, spatial_axes, spread, window
from jkeras.primitives.numeric import widened

_MOST_TAPS = 64  # above, slices one by one cost more than they save
_MOST_BYTES = 2**28  # above, the patches of one layer take too much memory


def promote(*arrays: Array):
    """The arrays in their common floating dtype (`lax` convolutions refuse mixed dtypes)."""
    dtype = jnp.result_type(*arrays)
    return tuple(a.astype(dtype) for a in arrays)


def bias_add(x: Array, bias: Array, format: str) -> Array:
    """`x + bias` with one value per channel, or a value per place and channel (`(spatial..., channels)`).

    Kept from Keras 2.2.4: with channels second the latter is not transposed but read in the output's order.
    """
    if format == "channels_first" and x.ndim > 2:
        if bias.ndim == 1:
            bias = bias.reshape((-1,) + (1,) * (x.ndim - 2))
        else:
            bias = bias.reshape((bias.shape[-1], *bias.shape[:-1]))
    return x + widened(bias, x)


def conv(
    x: Array, kernel: Array, strides: Sequence[int], padding: str, format: str, dilation: Sequence[int]
) -> Array:
    """Convolution: `y[p, o] = sum over k and i of x[p * stride + k * dilation - pad, i] * kernel[k, i, o]`.

    Args:
        x: `(batch, spatial..., channels)`, or channels second.
        kernel: `(spatial..., in, out)`.
        strides, dilation: one integer per spatial axis.
        padding: "valid", "same" or "causal".
        format: "channels_last" or "channels_first".

    Returns:
        The output in the same data format, in the common dtype of input and kernel.
    """
    x, kernel = promote(x, kernel)
    if not _patches_pay(x, kernel, strides):
        return _conv_by_xla(x, kernel, strides, padding, format, dilation)
    way = cast("Callable[..., Array]", _conv_as_needed if _xla_is_fast(kernel) else _conv_by_patches)
    return _in_last(lambda x: way(x, kernel, strides, padding, dilation), x, format)


def depthwise_conv(
    x: Array, kernel: Array, strides: Sequence[int], padding: str, format: str, dilation: Sequence[int]
) -> Array:
    """Every input channel with its own kernels: channel `i` and kernel `m` give output channel `i * M + m`.

    Args:
        x: `(batch, spatial..., channels)`, or channels second.
        kernel: `(spatial..., in, multiplier)`.
        strides, padding, format, dilation: as in `conv`.
    """
    x, kernel = promote(x, kernel)
    channels, multiplier = kernel.shape[-2:]
    if _on_cpu() and math.prod(kernel.shape[:-2]) <= _MOST_TAPS:
        return _in_last(functools.partial(_depthwise_by_taps, kernel, strides, padding, dilation), x, format)
    pads = _pads(x, kernel, strides, padding, format, dilation)
    grouped = kernel.reshape(kernel.shape[:-2] + (1, channels * multiplier))
    return lax.conv_general_dilated(
        x,
        grouped,
        strides,
        pads,
        rhs_dilation=dilation,
        dimension_numbers=_layout(format, x.ndim),
        feature_group_count=channels,
    )


def conv_transpose(
    x: Array,
    kernel: Array,
    lengths: Sequence[int],
    strides: Sequence[int],
    padding: str,
    format: str,
    dilation: Sequence[int],
) -> Array:
    """The transpose (gradient with respect to the input) of the convolution with the same arguments.

    Args:
        x: `(batch, spatial..., channels)`, or channels second.
        kernel: `(spatial..., out, in)`.
        lengths: spatial lengths of the output (`transposed_length`).
        strides, padding, format, dilation: those of the convolution that this one is the transpose of.

    Returns:
        The output with the given spatial lengths.

    Raises:
        ValueError: the forward convolution of an output of that length has not the input's length.
    """
    x, kernel = promote(x, kernel)
    axes = spatial_axes(format, x.ndim)
    for axis, length, size, stride, step in zip(axes, lengths, kernel.shape, strides, dilation, strict=False):
        given: Length = x.shape[axis]
        if isinstance(given, int) and window(length, size, stride, padding, step)[0] != given:
            raise ValueError(
                f"A transposed convolution cannot make length {length} out of length {given} with kernel "
                f"size {size}, stride {stride} and padding {padding!r}; change `output_padding`."
            )
    shape = (x.shape[0], *spread(format, lengths, kernel.shape[-2])[1:])
    output = jax.ShapeDtypeStruct(shape, x.dtype)

    def forward(y: Array):
        if not _patches_pay(output, kernel, strides):
            return _conv_by_xla(y, kernel, strides, padding, format, dilation)
        return _in_last(lambda y: _conv_by_patches(y, kernel, strides, padding, dilation), y, format)

    transposed = cast("Callable[[Array], list[Array]]", jax.linear_transpose(forward, output))
    return transposed(x)[0]


def local_conv(x: Array, kernel: Array, size: Sequence[int], strides: Sequence[int], format: str) -> Array:
    """A convolution whose kernel differs from place to place ("valid" padding).

    Args:
        x: `(batch, spatial..., channels)`, or channels second.
        kernel: `(places, taps * channels, filters)`, places and taps in row-major order; with channels
            second the middle axis runs over channels first, then taps, as Keras stores it.
        size, strides: window and step per spatial axis.
        format: "channels_last" or "channels_first".

    Returns:
        `(batch, new spatial..., filters)`, or filters second.
    """
    x, kernel = promote(x, kernel)
    axes = spatial_axes(format, x.ndim)
    lengths = tuple(window(x.shape[a], k, s, "valid")[0] for a, k, s in zip(axes, size, strides, strict=True))
    at = channel_axis(format, x.ndim)
    columns = [jnp.moveaxis(c, at, -1) for c in _taps(x, axes, size, strides, lengths, (1,) * len(size))]
    patches = jnp.stack(
        columns, -1 if format == "channels_first" else -2
    )  # (batch, places..., taps x channels)
    patches = patches.reshape((x.shape[0], math.prod(lengths), -1))
    y = jnp.einsum("bpi,pio->bpo", patches, kernel)
    y = y.reshape((x.shape[0], *lengths, kernel.shape[-1]))
    return jnp.moveaxis(y, -1, 1) if format == "channels_first" else y


def _on_cpu() -> bool:
    return jax.default_backend() == "cpu"


def _patches_pay(x: Array | jax.ShapeDtypeStruct, kernel: Array, strides: Sequence[int]) -> bool:
    """Whether to compute by patches: on a CPU, for windows and arrays that are not too large."""
    taps = math.prod(kernel.shape[:-2])
    if not _on_cpu() or taps > _MOST_TAPS:
        return False
    if not all(isinstance(d, int) for d in x.shape):
        return True
    return x.size * taps * x.dtype.itemsize // math.prod(strides) <= _MOST_BYTES


def _in_last(function: Callable[[Array], Array], x: Array, format: str) -> Array:
    """Apply a channels-last function to an array of either format."""
    if format == "channels_last":
        return function(x)
    return jnp.moveaxis(function(jnp.moveaxis(x, 1, -1)), -1, 1)


def _layout(format: str, ndim: int):
    names = "DHW"[3 - (ndim - 2) :]
    data = f"NC{names}" if format == "channels_first" else f"N{names}C"
    return data, f"{names}IO", data


def _pads(
    x: Array, kernel: Array, strides: Sequence[int], padding: str, format: str, dilation: Sequence[int]
):
    axes = spatial_axes(format, x.ndim)
    geometry = zip(axes, kernel.shape, strides, dilation, strict=False)
    return [window(x.shape[a], k, s, padding, d)[1:] for a, k, s, d in geometry]


def _taps(
    x: Array,
    axes: Sequence[int],
    size: Sequence[int],
    strides: Sequence[int],
    lengths: Sequence[int],
    dilation: Sequence[int],
):
    """For every tap of the window, row-major, the elements that it meets: one strided slice of `x` each."""
    for offset in itertools.product(*(range(k) for k in size)):
        start, limit, step = [0] * x.ndim, list(x.shape), [1] * x.ndim
        for axis, i, stride, length, apart in zip(axes, offset, strides, lengths, dilation, strict=True):
            start[axis], step[axis] = i * apart, stride
            limit[axis] = i * apart + (length - 1) * stride + 1
        yield lax.slice(x, start, limit, step)


def _tap_slices(x: Array, size: Sequence[int], strides: Sequence[int], padding: str, dilation: Sequence[int]):
    """`_taps` of a channels-last array after padding."""
    axes = spatial_axes("channels_last", x.ndim)
    plan = [
        window(x.shape[a], *g[:2], padding, g[2])
        for a, g in zip(axes, zip(size, strides, dilation, strict=True), strict=True)
    ]
    if any(before or after for _, before, after in plan):
        x = jnp.pad(x, [(0, 0), *(p[1:] for p in plan), (0, 0)])
    return _taps(x, axes, size, strides, [p[0] for p in plan], dilation)


def _xla_is_fast(kernel: Array) -> bool:
    """Whether XLA's convolution on a CPU is faster than patches.

    It has none of its own for float64, a slow one over three axes, and a product is all that one tap needs.
    """
    plain = jnp.issubdtype(kernel.dtype, jnp.floating) and kernel.dtype.itemsize <= 4
    return plain and kernel.ndim <= 4 and math.prod(kernel.shape[:-2]) > 1


def _conv_by_xla(
    x: Array, kernel: Array, strides: Sequence[int], padding: str, format: str, dilation: Sequence[int]
) -> Array:
    pads = _pads(x, kernel, strides, padding, format, dilation)
    return lax.conv_general_dilated(
        x, kernel, strides, pads, rhs_dilation=dilation, dimension_numbers=_layout(format, x.ndim)
    )


@functools.partial(jax.custom_jvp, nondiff_argnums=(2, 3, 4))
def _conv_as_needed(
    x: Array, kernel: Array, strides: Sequence[int], padding: str, dilation: Sequence[int]
) -> Array:
    """XLA's convolution, and where derivatives are taken (of any order, in any mode) patches."""
    return _conv_by_xla(x, kernel, strides, padding, "channels_last", dilation)


@_conv_as_needed.defjvp
def _conv_with_slopes(
    strides: Sequence[int], padding: str, dilation: Sequence[int], primals: Any, tangents: Any
):
    way = functools.partial(_conv_by_patches, strides=strides, padding=padding, dilation=dilation)
    return jax.jvp(way, primals, tangents)


def _conv_by_patches(
    x: Array, kernel: Array, strides: Sequence[int], padding: str, dilation: Sequence[int]
) -> Array:
    columns = list(_tap_slices(x, kernel.shape[:-2], strides, padding, dilation))
    patches = columns[0] if len(columns) == 1 else jnp.concatenate(columns, -1)
    return patches @ kernel.reshape((-1, kernel.shape[-1]))


def _depthwise_by_taps(
    kernel: Array, strides: Sequence[int], padding: str, dilation: Sequence[int], x: Array
) -> Array:
    channels, multiplier = kernel.shape[-2:]
    flat = kernel.reshape((-1, channels) if multiplier == 1 else (-1, channels, multiplier))
    columns = _tap_slices(x, kernel.shape[:-2], strides, padding, dilation)
    kernels = (
        lax.index_in_dim(flat, i, keepdims=False) for i in range(flat.shape[0])
    )  # `flat[i]` is a gather
    if multiplier == 1:
        return functools.reduce(jnp.add, (c * widened(k, c) for c, k in zip(columns, kernels, strict=True)))
    wide = (column[..., None] for column in columns)
    y = functools.reduce(jnp.add, (c * widened(k, c) for c, k in zip(wide, kernels, strict=True)))
    return y.reshape(y.shape[:-2] + (channels * multiplier,))

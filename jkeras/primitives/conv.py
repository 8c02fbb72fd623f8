"""Convolutions as pure functions of (input, kernel): any number of spatial axes, both data formats.

Kernels are laid out as Keras keeps them: `(spatial..., in, out)`, transposed ones `(spatial..., out, in)`,
depthwise ones `(spatial..., in, multiplier)`.

On a GPU it is XLA's convolution (cuDNN). On a CPU it is too, in the layout that is fast there
(`conv_products`), and patches (static slices put side by side, and one matrix product) where XLA has no fast
one: over three axes, in double precision, for windows of one tap.
"""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import cast

import jax
import jax.numpy as jnp
from jax import lax

from jkeras.core.types import Array, Length
from jkeras.primitives import conv_products as products
from jkeras.primitives.conv_args import spatial_axes, spread, window
from jkeras.primitives.conv_products import Geometry
from jkeras.primitives.numeric import widened


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
    x: Array,
    kernel: Array,
    strides: Sequence[int],
    padding: str,
    format: str,
    dilation: Sequence[int],
    groups: int = 1,
) -> Array:
    """Convolution: `y[p, o] = sum over k and i of x[p * stride + k * dilation - pad, i] * kernel[k, i, o]`.

    Args:
        x: `(batch, spatial..., channels)`, or channels second.
        kernel: `(spatial..., in, out)`.
        strides, dilation: one integer per spatial axis.
        padding: "valid", "same" or "causal".
        format: "channels_last" or "channels_first".
        groups: into how many parts the channels are cut, each with its own filters; `in` is the size of one.

    Returns:
        The output in the same data format, in the common dtype of input and kernel.
    """
    x, kernel = promote(x, kernel)
    lengths = [x.shape[axis] for axis in spatial_axes(format, x.ndim)]
    at = _geometry(lengths, kernel, strides, padding, dilation)
    if groups > 1:
        return _conv_by_xla(x, kernel, at, format, groups)
    if _xla_is_fast(kernel):
        way = cast("Callable[..., Array]", products.convolution)
        return _in_last(lambda x: way(x, kernel, at), x, format)
    if _on_cpu() and products.patches_pay(x, at):
        return _in_last(lambda x: products.by_patches(x, kernel, at), x, format)
    return _conv_by_xla(x, kernel, at, format)


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
    lengths = [x.shape[axis] for axis in spatial_axes(format, x.ndim)]
    at = _geometry(lengths, kernel, strides, padding, dilation)
    if _on_cpu() and math.prod(at.size) <= products.MOST_TAPS:
        return _in_last(lambda x: _depthwise_by_taps(x, kernel, at), x, format)
    grouped = kernel.reshape(kernel.shape[:-2] + (1, channels * multiplier))
    return lax.conv_general_dilated(
        x,
        grouped,
        strides,
        at.pads,
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
    at = _geometry(lengths, kernel, strides, padding, dilation)
    if _xla_is_fast(kernel):
        way = cast("Callable[..., Array]", products.transposed_convolution)
        return _in_last(lambda x: way(x, kernel, at), x, format)
    shape = (x.shape[0], *spread(format, lengths, kernel.shape[-2])[1:])
    output = jax.ShapeDtypeStruct(shape, x.dtype)

    def forward(y: Array) -> Array:
        if _on_cpu() and products.patches_pay(output, at):
            return _in_last(lambda y: products.by_patches(y, kernel, at), y, format)
        return _conv_by_xla(y, kernel, at, format)

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
    x = x if format == "channels_last" else jnp.moveaxis(x, 1, -1)
    ones = (1,) * len(size)
    at = Geometry(x.shape[1:-1], tuple(size), tuple(strides), ((0, 0),) * len(size), ones)
    columns = list(products.taps_of(x, at))
    lengths = columns[0].shape[1:-1]
    patches = jnp.stack(
        columns, -1 if format == "channels_first" else -2
    )  # (batch, places..., taps x channels)
    patches = patches.reshape((x.shape[0], math.prod(lengths), -1))
    y = jnp.einsum("bpi,pio->bpo", patches, kernel)
    y = y.reshape((x.shape[0], *lengths, kernel.shape[-1]))
    return jnp.moveaxis(y, -1, 1) if format == "channels_first" else y


def _on_cpu() -> bool:
    return jax.default_backend() == "cpu"


def _in_last(function: Callable[[Array], Array], x: Array, format: str) -> Array:
    """Apply a channels-last function to an array of either format."""
    if format == "channels_last":
        return function(x)
    return jnp.moveaxis(function(jnp.moveaxis(x, 1, -1)), -1, 1)


def _layout(format: str, ndim: int):
    names = "DHW"[3 - (ndim - 2) :]
    data = f"NC{names}" if format == "channels_first" else f"N{names}C"
    return data, f"{names}IO", data


def _geometry(
    lengths: Sequence[Length], kernel: Array, strides: Sequence[int], padding: str, dilation: Sequence[int]
) -> Geometry:
    size = kernel.shape[:-2]
    axes = zip(lengths, size, strides, dilation, strict=True)
    pads = tuple(window(n, k, s, padding, d)[1:] for n, k, s, d in axes)
    return Geometry(tuple(lengths), size, tuple(strides), pads, tuple(dilation))


def _xla_is_fast(kernel: Array) -> bool:
    """Whether XLA's convolution is faster than patches: on a CPU; one tap needs only a product."""
    taps = math.prod(kernel.shape[:-2])
    return _on_cpu() and products.is_fast(kernel.ndim - 2, kernel.dtype) and taps > 1


def _conv_by_xla(x: Array, kernel: Array, at: Geometry, format: str, groups: int = 1) -> Array:
    return lax.conv_general_dilated(
        x,
        kernel,
        at.strides,
        at.pads,
        rhs_dilation=at.dilation,
        dimension_numbers=_layout(format, x.ndim),
        feature_group_count=groups,
    )


def _depthwise_by_taps(x: Array, kernel: Array, at: Geometry) -> Array:
    channels, multiplier = kernel.shape[-2:]
    flat = kernel.reshape((-1, channels) if multiplier == 1 else (-1, channels, multiplier))
    columns = products.taps_of(x, at)
    kernels = (
        lax.index_in_dim(flat, i, keepdims=False) for i in range(flat.shape[0])
    )  # `flat[i]` is a gather
    if multiplier == 1:
        return functools.reduce(jnp.add, (c * widened(k, c) for c, k in zip(columns, kernels, strict=True)))
    wide = (column[..., None] for column in columns)
    y = functools.reduce(jnp.add, (c * widened(k, c) for c, k in zip(wide, kernels, strict=True)))
    return y.reshape(y.shape[:-2] + (channels * multiplier,))

"""Convolutions, pooling, normalization and recurrence, over the same operations as the layers."""

from __future__ import annotations

import jax.numpy as jnp
from jax import lax

from jkeras.backend.control import calling_back
from jkeras.core.dispatch import op
from jkeras.ops import conv as convs
from jkeras.ops import pool as pools
from jkeras.ops import recurrent
from jkeras.ops.conv_args import data_format as format_of
from jkeras.ops.conv_args import int_tuple, padding_mode, spatial_axes


def _convolve(
    function, rank: int, x, kernel, strides, padding, data_format, dilation, modes=("valid", "same")
):
    return function(
        x,
        kernel,
        int_tuple(strides, rank, "strides"),
        padding_mode(padding, modes),
        format_of(data_format),
        int_tuple(dilation, rank, "dilation_rate"),
    )


@op
def conv1d(x, kernel, strides=1, padding="valid", data_format=None, dilation_rate=1):
    """1D convolution; `padding` may be 'causal'."""
    modes = ("valid", "same", "causal")
    return _convolve(convs.conv, 1, x, kernel, strides, padding, data_format, dilation_rate, modes)


@op
def conv2d(x, kernel, strides=(1, 1), padding="valid", data_format=None, dilation_rate=(1, 1)):
    """2D convolution."""
    return _convolve(convs.conv, 2, x, kernel, strides, padding, data_format, dilation_rate)


@op
def conv3d(x, kernel, strides=(1, 1, 1), padding="valid", data_format=None, dilation_rate=(1, 1, 1)):
    """3D convolution."""
    return _convolve(convs.conv, 3, x, kernel, strides, padding, data_format, dilation_rate)


def _transposed(rank: int, x, kernel, output_shape, strides, padding, data_format, dilation):
    format = format_of(data_format)
    lengths = tuple(output_shape[a] for a in spatial_axes(format, rank + 2))
    strides, dilation = int_tuple(strides, rank, "strides"), int_tuple(dilation, rank, "dilation_rate")
    return convs.conv_transpose(x, kernel, lengths, strides, padding_mode(padding), format, dilation)


@op
def conv2d_transpose(
    x, kernel, output_shape, strides=(1, 1), padding="valid", data_format=None, dilation_rate=(1, 1)
):
    """Transposed 2D convolution with the given output shape; the kernel is `(rows, cols, out, in)`."""
    return _transposed(2, x, kernel, output_shape, strides, padding, data_format, dilation_rate)


@op
def conv3d_transpose(x, kernel, output_shape, strides=(1, 1, 1), padding="valid", data_format=None):
    """Transposed 3D convolution with the given output shape."""
    return _transposed(3, x, kernel, output_shape, strides, padding, data_format, (1, 1, 1))


@op
def depthwise_conv2d(
    x, depthwise_kernel, strides=(1, 1), padding="valid", data_format=None, dilation_rate=(1, 1)
):
    """2D convolution of every channel with its own kernels."""
    return _convolve(
        convs.depthwise_conv, 2, x, depthwise_kernel, strides, padding, data_format, dilation_rate
    )


def _separable(rank: int, x, depthwise, pointwise, strides, padding, data_format, dilation):
    x = _convolve(convs.depthwise_conv, rank, x, depthwise, strides, padding, data_format, dilation)
    return _convolve(convs.conv, rank, x, pointwise, (1,) * rank, "valid", data_format, (1,) * rank)


@op
def separable_conv1d(
    x, depthwise_kernel, pointwise_kernel, strides=1, padding="valid", data_format=None, dilation_rate=1
):
    """Depthwise, then pointwise 1D convolution."""
    return _separable(1, x, depthwise_kernel, pointwise_kernel, strides, padding, data_format, dilation_rate)


@op
def separable_conv2d(
    x,
    depthwise_kernel,
    pointwise_kernel,
    strides=(1, 1),
    padding="valid",
    data_format=None,
    dilation_rate=(1, 1),
):
    """Depthwise, then pointwise 2D convolution."""
    return _separable(2, x, depthwise_kernel, pointwise_kernel, strides, padding, data_format, dilation_rate)


@op
def local_conv1d(inputs, kernel, kernel_size, strides, data_format=None):
    """1D convolution with a kernel for each place."""
    size, step = int_tuple(kernel_size, 1, "kernel_size"), int_tuple(strides, 1, "strides")
    return convs.local_conv(inputs, kernel, size, step, format_of(data_format))


@op
def local_conv2d(inputs, kernel, kernel_size, strides, output_shape, data_format=None):
    """2D convolution with a kernel for each place."""
    size, step = int_tuple(kernel_size, 2, "kernel_size"), int_tuple(strides, 2, "strides")
    return convs.local_conv(inputs, kernel, size, step, format_of(data_format))


def _pooled(rank: int, x, pool_size, strides, padding, data_format, pool_mode):
    if pool_mode not in ("max", "avg"):
        raise ValueError(f"pool_mode is 'max' or 'avg'; got {pool_mode!r}.")
    function = pools.max_pool if pool_mode == "max" else pools.average_pool
    size, step = int_tuple(pool_size, rank, "pool_size"), int_tuple(strides, rank, "strides")
    return function(x, size, step, padding_mode(padding), format_of(data_format))


@op
def pool2d(x, pool_size, strides=(1, 1), padding="valid", data_format=None, pool_mode="max"):
    """2D pooling."""
    return _pooled(2, x, pool_size, strides, padding, data_format, pool_mode)


@op
def pool3d(x, pool_size, strides=(1, 1, 1), padding="valid", data_format=None, pool_mode="max"):
    """3D pooling."""
    return _pooled(3, x, pool_size, strides, padding, data_format, pool_mode)


@op
def bias_add(x, bias, data_format=None):
    """`x + bias` along the channels."""
    return convs.bias_add(x, bias, format_of(data_format))


@op
def batch_normalization(x, mean, var, beta, gamma, axis=-1, epsilon=1e-3):
    """`gamma * (x - mean) / sqrt(var + epsilon) + beta`; statistics of one axis are spread along it."""

    def along(v):
        return v.reshape([-1 if i == axis % x.ndim else 1 for i in range(x.ndim)]) if jnp.ndim(v) == 1 else v

    y = (x - along(mean)) * lax.rsqrt(along(var) + epsilon)
    y = y if gamma is None else y * along(gamma)
    return y if beta is None else y + along(beta)


@op
def normalize_batch_in_training(x, gamma, beta, reduction_axes, epsilon=1e-3):
    """(normalized x, mean, variance) with the statistics of this batch.

    As in Keras, the variance that comes back for images with their channels last is the unbiased one.
    """
    axes = tuple(reduction_axes)
    mean, var = jnp.mean(x, axes), jnp.var(x, axes)
    shape = [1 if i in axes else d for i, d in enumerate(x.shape)]
    y = (x - mean.reshape(shape)) * lax.rsqrt(var.reshape(shape) + epsilon)
    y = y if gamma is None else y * gamma.reshape(shape)
    count = x.size // mean.size
    fused = x.ndim == 4 and axes == (0, 1, 2)
    return (y if beta is None else y + beta.reshape(shape)), mean, var * count / (count - 1) if fused else var


@calling_back
def rnn(
    step_function,
    inputs,
    initial_states,
    go_backwards=False,
    mask=None,
    constants=None,
    unroll=False,
    input_length=None,
):
    """Run a step over the time axis 1.

    Args:
        step_function: `(x of one time step, states + constants) -> (y, new states)`.
        inputs: `(batch, time, ...)`.
        initial_states: list of arrays.
        go_backwards: from the last step to the first.
        mask: `(batch, time)`; a masked step keeps the states.
        constants: list of arrays handed to every step.
        unroll: one copy of the step for each time step.
        input_length: accepted for compatibility; the length is known from `inputs`.

    Returns:
        (last output, all outputs in the order in which they were computed, list of last states).

    Raises:
        ValueError: inputs without a time axis.
    """
    if jnp.ndim(inputs) < 3:
        raise ValueError(f"K.rnn takes inputs (batch, time, ...); got shape {jnp.shape(inputs)}.")
    constants = list(constants or [])

    def step(x, states):
        y, new = step_function(x, [*states, *constants])
        return y, list(new)

    mask = None if mask is None else jnp.moveaxis(jnp.asarray(mask, bool), 1, 0)
    mask = mask[..., None] if mask is not None and mask.ndim == 2 else mask
    way = recurrent.Way(reverse=go_backwards, unroll=unroll)
    last, ys, states = recurrent.loop(step, jnp.moveaxis(inputs, 1, 0), list(initial_states), mask, way)
    ys = jnp.flip(jnp.asarray(ys), 0) if go_backwards else jnp.asarray(ys)
    return last, jnp.moveaxis(ys, 0, 1), states

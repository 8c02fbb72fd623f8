"""Pooling, normalization and recurrence, over the same operations as the layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from jkeras.backend.control import calling_back
from jkeras.core.arguments import Window
from jkeras.core.dispatch import op
from jkeras.core.settings import normalize_data_format as format_of
from jkeras.core.types import Function, Operand, Tree
from jkeras.primitives import conv as convs
from jkeras.primitives import pool as pools
from jkeras.primitives import recurrent
from jkeras.primitives.conv_args import int_tuple, padding_mode


def _pooled(
    rank: int,
    x: Operand,
    pool_size: Window,
    strides: Window,
    padding: str,
    data_format: str | None,
    pool_mode: str,
):
    if pool_mode not in ("max", "avg"):
        raise ValueError(f"pool_mode is 'max' or 'avg'; got {pool_mode!r}.")
    function = pools.max_pool if pool_mode == "max" else pools.average_pool
    size, step = int_tuple(pool_size, rank, "pool_size"), int_tuple(strides, rank, "strides")
    return function(x, size, step, padding_mode(padding), format_of(data_format))


@op
def pool2d(
    x: Operand,
    pool_size: Window,
    strides: Window = (1, 1),
    padding: str = "valid",
    data_format: str | None = None,
    pool_mode: str = "max",
):
    """The maximum or the mean of each window of images.

    Args:
        x: images `(batch, rows, cols, channels)`, or with channels first.
        pool_size: size of the window: an integer, or 2 of them.
        strides: step of the window, likewise.
        padding: "valid" or "same"; what is padded never wins, and does not count in a mean.
        data_format: "channels_last" or "channels_first"; None is `K.image_data_format()`.
        pool_mode: "max" or "avg".

    Returns:
        An array `(batch, new rows, new cols, channels)` in the same data format.

    Raises:
        ValueError: another mode, padding or data format, or sizes that are no integers.

    Example:
        >>> from jkeras import backend as K
        >>> x = K.placeholder((None, 8, 8, 2))
        >>> K.pool2d(x, (2, 2), strides=(2, 2)).shape
        (None, 4, 4, 2)

    Keras 2.2.4: keras/backend/tensorflow_backend.py pool2d
    """
    return _pooled(2, x, pool_size, strides, padding, data_format, pool_mode)


@op
def pool3d(
    x: Operand,
    pool_size: Window,
    strides: Window = (1, 1, 1),
    padding: str = "valid",
    data_format: str | None = None,
    pool_mode: str = "max",
):
    """The maximum or the mean of each window of volumes.

    Args:
        x: volumes `(batch, depth, rows, cols, channels)`, or with channels first.
        pool_size: size of the window: an integer, or 3 of them.
        strides: step of the window, likewise.
        padding: "valid" or "same"; what is padded never wins, and does not count in a mean.
        data_format: "channels_last" or "channels_first"; None is `K.image_data_format()`.
        pool_mode: "max" or "avg".

    Returns:
        An array `(batch, new depth, new rows, new cols, channels)` in the same data format.

    Raises:
        ValueError: another mode, padding or data format, or sizes that are no integers.

    Example:
        >>> from jkeras import backend as K
        >>> x = K.placeholder((None, 8, 8, 8, 2))
        >>> K.pool3d(x, (2, 2, 2), strides=(2, 2, 2)).shape
        (None, 4, 4, 4, 2)

    Keras 2.2.4: keras/backend/tensorflow_backend.py pool3d
    """
    return _pooled(3, x, pool_size, strides, padding, data_format, pool_mode)


@op
def bias_add(x: Operand, bias: Operand, data_format: str | None = None):
    """`x + bias` along the channels.

    Args:
        x: an array `(batch, ..., channels)`, or with channels first.
        bias: a number for each channel, `(channels,)`, or for each place, `(..., channels)`.
        data_format: "channels_last" or "channels_first"; None is `K.image_data_format()`.

    Returns:
        An array of the same shape.

    Raises:
        ValueError: another data format, or shapes that do not fit.

    Example:
        >>> bias_add(jnp.asarray([[1.0, 2.0]]), jnp.asarray([10.0, 20.0])).tolist()
        [[11.0, 22.0]]

    Keras 2.2.4: keras/backend/tensorflow_backend.py bias_add
    """
    return convs.bias_add(x, bias, format_of(data_format))


@op
def batch_normalization(
    x: Operand,
    mean: float,
    var: Operand,
    beta: Operand,
    gamma: Operand,
    axis: int | None = -1,
    epsilon: float = 1e-3,
):
    """gamma * (x - mean) / √(var + epsilon) + beta.

    Args:
        x: an array of any shape.
        mean, var: the statistics: `(channels,)`, which is spread along `axis`, or a shape that broadcasts.
        beta: the offset, likewise, or None for 0.
        gamma: the scale, likewise, or None for 1.
        axis: the axis of the channels.
        epsilon: keeps the quotient finite.

    Returns:
        An array of the same shape.

    Example:
        >>> mean, var = jnp.asarray([1.0, 2.0]), jnp.asarray([4.0, 4.0])
        >>> batch_normalization(jnp.asarray([[3.0, 2.0]]), mean, var, None, None, epsilon=0.0).tolist()
        [[1.0, 0.0]]

    Keras 2.2.4: keras/backend/tensorflow_backend.py batch_normalization
    """

    def along(v: Operand):
        return v.reshape([-1 if i == axis % x.ndim else 1 for i in range(x.ndim)]) if jnp.ndim(v) == 1 else v

    y = (x - along(mean)) * lax.rsqrt(along(var) + epsilon)
    y = y if gamma is None else y * along(gamma)
    return y if beta is None else y + along(beta)


@op
def normalize_batch_in_training(
    x: Operand, gamma: Operand, beta: Operand, reduction_axes: Sequence[int], epsilon: float = 1e-3
):
    """`batch_normalization` with the mean and the variance of this batch.

    As in Keras, the variance that comes back for images with their channels last is the unbiased one.

    Args:
        x: an array of any shape.
        gamma: the scale, a number for each channel, or None for 1.
        beta: the offset, likewise, or None for 0.
        reduction_axes: the axes over which the statistics are taken: all but that of the channels.
        epsilon: keeps the quotient finite.

    Returns:
        `(normalized x, mean, variance)`; the statistics are `(channels,)`.

    Example:
        >>> from jkeras import backend as K
        >>> x = K.placeholder((None, 8, 8, 2))
        >>> [y.shape for y in K.normalize_batch_in_training(x, None, None, [0, 1, 2])]
        [(None, 8, 8, 2), (2,), (2,)]

    Keras 2.2.4: keras/backend/tensorflow_backend.py normalize_batch_in_training
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
    step_function: Function,
    inputs: Operand,
    initial_states: Tree,
    go_backwards: bool = False,
    mask: Operand = None,
    constants: Tree = None,
    unroll: bool = False,
    input_length: int | None = None,
):
    """Run a step over the time axis: y[t], states = step(x[t], states).

    Args:
        step_function: `(x, states + constants) -> (y, new states)`, where x is `(batch, ...)`, one time step,
            and states are lists. It may use other tensors and variables.
        inputs: `(batch, time, ...)`.
        initial_states: list of arrays `(batch, ...)`.
        go_backwards: from the last step to the first.
        mask: `(batch, time)`; a masked step keeps the states. Its output is the first state, or, unrolled,
            the output of the step before (at first zeros).
        constants: list of arrays handed to every step.
        unroll: one copy of the step for each time step, instead of a loop.
        input_length: accepted for compatibility; the length is known from `inputs`.

    Returns:
        (last output, all outputs `(batch, time, ...)` in the order in which they were computed, list of last
        states).

    Raises:
        ValueError: inputs without a time axis, or a mask without states (unless unrolled).

    Example:
        >>> total = lambda x, states: (x + states[0], [x + states[0]])
        >>> last, sums, states = rnn(total, jnp.ones((1, 3, 1)), [jnp.zeros((1, 1))])
        >>> sums.ravel().tolist(), last.tolist()
        ([1.0, 2.0, 3.0], [[3.0]])

    Keras 2.2.4: keras/backend/tensorflow_backend.py rnn
    """
    if jnp.ndim(inputs) < 3:
        raise ValueError(f"K.rnn takes inputs (batch, time, ...); got shape {np.shape(inputs)}.")
    constants = list(constants or [])

    def step(x: Operand, states: Sequence[Any]):
        y, new = step_function(x, [*states, *constants])
        return y, list(new)

    mask = None if mask is None else jnp.moveaxis(jnp.asarray(mask, bool), 1, 0)
    mask = mask[..., None] if mask is not None and mask.ndim == 2 else mask
    way = recurrent.Way(reverse=go_backwards, unroll=unroll)
    last, ys, states = recurrent.loop(step, jnp.moveaxis(inputs, 1, 0), list(initial_states), mask, way)
    ys = jnp.flip(jnp.asarray(ys), 0) if go_backwards else jnp.asarray(ys)
    return last, jnp.moveaxis(ys, 0, 1), states

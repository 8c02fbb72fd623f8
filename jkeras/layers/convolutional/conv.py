"""Convolutions: Conv1D, Conv2D, Conv3D and what all convolutions share."""

from __future__ import annotations

from collections.abc import Callable

from jkeras.compat.legacy_arguments import legacy
from jkeras.core.types import INFERENCE, Out, Pair
from jkeras.engine.base_layer import InputSpec, Layer, draw
from jkeras.layers._common import begin, check_axis
from jkeras.primitives import conv as ops
from jkeras.primitives.conv_args import channel_axis, padding_mode


def start(layer: Layer, arguments: dict, rank: int, paddings: tuple[str, ...] = ("valid", "same")) -> None:
    """Start a convolution from the `locals()` of its `__init__`, normalising window sizes and padding."""
    begin(layer, arguments, rank)
    layer.padding = padding_mode(arguments["padding"], paddings)  # type: ignore[attr-defined]
    layer.input_spec = InputSpec(ndim=rank + 2)


def check_strides(strides, dilation) -> None:
    """Refuse strides together with dilation, as TensorFlow does.

    Raises:
        ValueError: both are larger than 1 somewhere.
    """
    if max(strides) > 1 and max(dilation) > 1:
        raise ValueError(
            f"strides > 1 are not supported in conjunction with dilation_rate > 1: strides={strides}, "
            f"dilation_rate={dilation}"
        )


def finish(y, params, activation: Callable, format: str):
    """The end of every convolution: `activation(y + bias)`."""
    return activation(ops.bias_add(y, params["bias"], format) if "bias" in params else y)


class _Conv(Layer):
    """A convolution over `rank` spatial axes; `formula` serves all ranks."""

    def formula(self) -> Pair:
        size, filters, use_bias = self.kernel_size, self.filters, self.use_bias
        strides, padding, format, dilation = self.strides, self.padding, self.data_format, self.dilation_rate
        activation = self.activation

        def init(rng, in_shape):
            check_strides(strides, dilation)
            channels = in_shape[channel_axis(format, len(in_shape))]
            return draw(rng, self, kernel=(*size, channels, filters), bias=use_bias and (filters,)), {}

        def apply(params, state, x, ctx=INFERENCE):
            check_axis(x, channel_axis(format, x.ndim), params["kernel"].shape[-2])
            y = ops.conv(x, params["kernel"], strides, padding, format, dilation)
            return Out(finish(y, params, activation, format))

        return Pair(init, apply)


class Conv1D(_Conv):
    """Convolution over a sequence: `y = activation(x * kernel + bias)`.

    `(x * kernel)[p, f]` sums `x[p * stride + k * dilation, c] * kernel[k, c, f]` over taps k and channels c.

    Args:
        filters: number of output channels.
        kernel_size: window, an int or one per axis.
        strides: step of the window.
        padding: "valid", "same", or "causal" (the output at step t sees no later step).
        data_format: "channels_last" or "channels_first".
        dilation_rate: distance of the window's taps; not together with strides.
        activation: name or function; None is linear.
        use_bias: whether to add one value per filter.
        kernel_initializer, bias_initializer: how the weights start.
        kernel_regularizer, bias_regularizer: losses on the weights.
        activity_regularizer: loss on the output.
        kernel_constraint, bias_constraint: projections of the weights after each update.

    Input shape:
        `(batch, steps, channels)`, or channels second.

    Output shape:
        `(batch, new_steps, filters)`, or filters second.

    Raises:
        ValueError: the kernel is larger than the input, unknown channels, strides with dilation.

    Keras 2.2.4: keras/layers/convolutional.py Conv1D

    Example:
        >>> import numpy as np
        >>> Conv1D(4, 3)(np.ones((1, 5, 2))).shape
        (1, 3, 4)
    """

    @legacy("conv1d")
    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        padding="valid",
        data_format="channels_last",
        dilation_rate=1,
        activation=None,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        **kwargs,
    ):
        if padding == "causal" and data_format != "channels_last":
            raise ValueError(
                'When using causal padding in `Conv1D`, `data_format` must be "channels_last". '
                f"Received: {data_format!r}"
            )
        start(self, locals(), 1, ("valid", "same", "causal"))


class Conv2D(_Conv):
    """Convolution over an image: `y = activation(x * kernel + bias)`.

    `(x * kernel)[p, f]` sums `x[p * stride + k * dilation, c] * kernel[k, c, f]` over taps k and channels c.

    Args:
        filters: number of output channels.
        kernel_size: window, an int or one per axis.
        strides: step of the window.
        padding: "valid" or "same".
        data_format: "channels_last" or "channels_first"; None: the configured one.
        dilation_rate: distance of the window's taps; not together with strides.
        activation: name or function; None is linear.
        use_bias: whether to add one value per filter.
        kernel_initializer, bias_initializer: how the weights start.
        kernel_regularizer, bias_regularizer: losses on the weights.
        activity_regularizer: loss on the output.
        kernel_constraint, bias_constraint: projections of the weights after each update.

    Input shape:
        `(batch, rows, cols, channels)`, or channels second.

    Output shape:
        `(batch, new_rows, new_cols, filters)`, or filters second.

    Raises:
        ValueError: the kernel is larger than the input, unknown channels, strides with dilation.

    Keras 2.2.4: keras/layers/convolutional.py Conv2D

    Example:
        >>> import numpy as np
        >>> Conv2D(4, 3)(np.ones((1, 5, 5, 2))).shape
        (1, 3, 3, 4)
    """

    @legacy("conv2d")
    def __init__(
        self,
        filters,
        kernel_size,
        strides=(1, 1),
        padding="valid",
        data_format=None,
        dilation_rate=(1, 1),
        activation=None,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        **kwargs,
    ):
        start(self, locals(), 2)


class Conv3D(_Conv):
    """Convolution over a volume: `y = activation(x * kernel + bias)`.

    `(x * kernel)[p, f]` sums `x[p * stride + k * dilation, c] * kernel[k, c, f]` over taps k and channels c.

    Args:
        filters: number of output channels.
        kernel_size: window, an int or one per axis.
        strides: step of the window.
        padding: "valid" or "same".
        data_format: "channels_last" or "channels_first"; None: the configured one.
        dilation_rate: distance of the window's taps; not together with strides.
        activation: name or function; None is linear.
        use_bias: whether to add one value per filter.
        kernel_initializer, bias_initializer: how the weights start.
        kernel_regularizer, bias_regularizer: losses on the weights.
        activity_regularizer: loss on the output.
        kernel_constraint, bias_constraint: projections of the weights after each update.

    Input shape:
        `(batch, dim1, dim2, dim3, channels)`, or channels second.

    Output shape:
        `(batch, new_dim1, new_dim2, new_dim3, filters)`, or filters second.

    Raises:
        ValueError: the kernel is larger than the input, unknown channels, strides with dilation.

    Keras 2.2.4: keras/layers/convolutional.py Conv3D

    Example:
        >>> import numpy as np
        >>> Conv3D(4, 3)(np.ones((1, 4, 4, 4, 2))).shape
        (1, 2, 2, 2, 4)
    """

    @legacy("conv3d")
    def __init__(
        self,
        filters,
        kernel_size,
        strides=(1, 1, 1),
        padding="valid",
        data_format=None,
        dilation_rate=(1, 1, 1),
        activation=None,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        **kwargs,
    ):
        start(self, locals(), 3)

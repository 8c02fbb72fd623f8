"""Transposed convolutions: Conv2DTranspose, Conv3DTranspose."""

from __future__ import annotations

from jkeras.compat.legacy_arguments import legacy
from jkeras.core.types import INFERENCE, Out, Pair
from jkeras.engine.base_layer import draw
from jkeras.layers._common import check_axis
from jkeras.layers.convolutional.conv import Conv2D, Conv3D, check_strides, finish, start
from jkeras.primitives import conv as ops
from jkeras.primitives.conv_args import channel_axis, int_tuple, spatial_axes, transposed_length


def _transposed_pair(layer, dilation) -> Pair:
    """The pair of a transposed convolution of any rank."""
    size, filters, use_bias = layer.kernel_size, layer.filters, layer.use_bias
    strides, padding, format = layer.strides, layer.padding, layer.data_format
    activation, extra = layer.activation, layer.output_padding or (None,) * len(layer.strides)

    def init(rng, in_shape):
        check_strides(strides, dilation)
        channels = in_shape[channel_axis(format, len(in_shape))]
        return draw(rng, layer, kernel=(*size, filters, channels), bias=use_bias and (filters,)), {}

    def apply(params, state, x, ctx=INFERENCE):
        check_axis(x, channel_axis(format, x.ndim), params["kernel"].shape[-1])
        lengths = [
            transposed_length(x.shape[axis], k, s, padding, more, d)
            for axis, k, s, more, d in zip(
                spatial_axes(format, x.ndim), size, strides, extra, dilation, strict=True
            )
        ]
        y = ops.conv_transpose(x, params["kernel"], lengths, strides, padding, format, dilation)
        return Out(finish(y, params, activation, format))

    return Pair(init, apply)


def _start_transposed(layer, arguments: dict, rank: int) -> None:
    start(layer, arguments, rank)
    if layer.output_padding is None:
        return
    layer.output_padding = int_tuple(layer.output_padding, rank, "output_padding")
    if any(more >= stride for more, stride in zip(layer.output_padding, layer.strides, strict=True)):
        raise ValueError(f"Stride {layer.strides} must be greater than output padding {layer.output_padding}")


class Conv2DTranspose(Conv2D):
    """Transposed convolution over an image: the gradient of a Conv2D with respect to its input.

    Then bias and activation.

    Args:
        filters: number of output channels.
        kernel_size: window, an int or one per axis.
        strides: factor by which the output is longer than the input.
        padding: "valid" or "same".
        output_padding: extra length of the output per axis, below the stride; None: the length is inferred.
        data_format: "channels_last" or "channels_first"; None: the configured one.
        dilation_rate: distance of the kernel's taps; not together with strides.
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
        ValueError: unknown channels, `output_padding` not below the stride, strides with dilation.

    Keras 2.2.4: keras/layers/convolutional.py Conv2DTranspose

    Example:
        >>> import numpy as np
        >>> Conv2DTranspose(4, 3, strides=2, padding="same")(np.ones((1, 3, 3, 2))).shape
        (1, 6, 6, 4)
    """

    @legacy("conv2d_transpose")
    def __init__(
        self,
        filters,
        kernel_size,
        strides=(1, 1),
        padding="valid",
        output_padding=None,
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
        _start_transposed(self, locals(), 2)

    def formula(self) -> Pair:
        return _transposed_pair(self, self.dilation_rate)


class Conv3DTranspose(Conv3D):
    """Transposed convolution over a volume: the gradient of a Conv3D with respect to its input.

    Then bias and activation.

    Args:
        filters: number of output channels.
        kernel_size: window, an int or one per axis.
        strides: factor by which the output is longer than the input.
        padding: "valid" or "same".
        output_padding: extra length of the output per axis, below the stride; None: the length is inferred.
        data_format: "channels_last" or "channels_first"; None: the configured one.
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
        ValueError: unknown channels, `output_padding` not below the stride.

    Keras 2.2.4: keras/layers/convolutional.py Conv3DTranspose

    Example:
        >>> import numpy as np
        >>> Conv3DTranspose(4, 3, strides=2, padding="same")(np.ones((1, 3, 3, 3, 2))).shape
        (1, 6, 6, 6, 4)
    """

    def __init__(
        self,
        filters,
        kernel_size,
        strides=(1, 1, 1),
        padding="valid",
        output_padding=None,
        data_format=None,
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
        _start_transposed(self, locals(), 3)

    def formula(self) -> Pair:
        return _transposed_pair(self, (1, 1, 1))

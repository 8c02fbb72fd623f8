"""Transposed convolutions: Conv1DTranspose, Conv2DTranspose, Conv3DTranspose."""

from __future__ import annotations

from typing import Unpack

from jkeras.compat.legacy_arguments import legacy
from jkeras.core.arguments import (
    ActivationLike,
    ConstraintLike,
    InitializerLike,
    Integer,
    LayerArguments,
    RegularizerLike,
    Window,
)
from jkeras.core.types import INFERENCE, Array, Ctx, Key, Out, Pair, Params, Shape, State, Weights
from jkeras.engine.base_layer import Layer, draw
from jkeras.layers._common import check_axis
from jkeras.layers.convolutional.conv import Conv1D, Conv2D, Conv3D, finish
from jkeras.primitives import conv as ops
from jkeras.primitives.conv_args import (
    channel_axis,
    check_strides,
    int_tuple,
    positive_int,
    positive_tuple,
    spatial_axes,
    transposed_length,
)


def _transposed_pair(
    layer: Conv1DTranspose | Conv2DTranspose | Conv3DTranspose, dilation: tuple[int, ...]
) -> Pair:
    """The pair of a transposed convolution of any rank."""
    size, filters, use_bias = layer.kernel_size, layer.filters, layer.use_bias
    strides, padding, format = layer.strides, layer.padding, layer.data_format
    activation, extra = layer.activation, layer.output_padding or (None,) * len(layer.strides)

    def init(rng: Key, in_shape: Shape) -> Weights:
        check_strides(strides, dilation)
        channels = in_shape[channel_axis(format, len(in_shape))]
        return draw(rng, layer, kernel=(*size, filters, channels), bias=use_bias and (filters,)), {}

    def apply(params: Params, state: State, x: Array, ctx: Ctx = INFERENCE) -> Out:
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


def _output_padding(given: Window | None, strides: tuple[int, ...]) -> tuple[int, ...] | None:
    if given is None:
        return None
    output_padding = int_tuple(given, len(strides), "output_padding")
    if any(more >= stride for more, stride in zip(output_padding, strides, strict=True)):
        raise ValueError(f"Stride {strides} must be greater than output padding {output_padding}")
    return output_padding


class Conv1DTranspose(Conv1D):
    """Transposed convolution over a sequence: the gradient of a Conv1D with respect to its input.

    Then bias and activation.

    Args:
        filters: number of output channels.
        kernel_size: window, an int.
        strides: factor by which the output is longer than the input.
        padding: "valid" or "same".
        output_padding: extra length of the output, below the stride; None: the length is inferred.
        data_format: "channels_last" or "channels_first"; None: the configured one.
        dilation_rate: distance of the kernel's taps; not together with strides.
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
        ValueError: unknown channels, `output_padding` not below the stride, strides with dilation.

    Source: Keras 3: Conv1DTranspose

    Example:
        >>> import numpy as np
        >>> Conv1DTranspose(4, 3, strides=2, padding="same")(np.ones((1, 3, 2))).shape
        (1, 6, 4)
    """

    def __init__(
        self,
        filters: Integer,
        kernel_size: Window,
        strides: Window = 1,
        padding: str = "valid",
        output_padding: Window | None = None,
        data_format: str | None = None,
        dilation_rate: Window = 1,
        activation: ActivationLike = None,
        use_bias: bool = True,
        kernel_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        activity_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        **kwargs: Unpack[LayerArguments],
    ):
        Layer.__init__(self, **kwargs)  # Conv1D's arguments are not all this one's
        self._set_window(1, kernel_size, strides, padding, data_format)
        self._set_output(activation, use_bias, activity_regularizer)
        self._set_kernel(kernel_initializer, kernel_regularizer, kernel_constraint)
        self._set_bias(bias_initializer, bias_regularizer, bias_constraint)
        self.filters = positive_int(filters, "filters")
        self.dilation_rate = positive_tuple(dilation_rate, 1, "dilation_rate")
        self.output_padding = _output_padding(output_padding, self.strides)

    def formula(self) -> Pair:
        """The gradient of a convolution, as a layer."""
        return _transposed_pair(self, self.dilation_rate)


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
        filters: Integer,
        kernel_size: Window,
        strides: Window = (1, 1),
        padding: str = "valid",
        output_padding: Window | None = None,
        data_format: str | None = None,
        dilation_rate: Window = (1, 1),
        activation: ActivationLike = None,
        use_bias: bool = True,
        kernel_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        activity_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        **kwargs: Unpack[LayerArguments],
    ):
        Layer.__init__(self, **kwargs)  # Conv2D's arguments are not all this one's
        self._set_window(2, kernel_size, strides, padding, data_format)
        self._set_output(activation, use_bias, activity_regularizer)
        self._set_kernel(kernel_initializer, kernel_regularizer, kernel_constraint)
        self._set_bias(bias_initializer, bias_regularizer, bias_constraint)
        self.filters = positive_int(filters, "filters")
        self.dilation_rate = positive_tuple(dilation_rate, 2, "dilation_rate")
        self.output_padding = _output_padding(output_padding, self.strides)

    def formula(self) -> Pair:
        """The gradient of a convolution, as a layer."""
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
        filters: Integer,
        kernel_size: Window,
        strides: Window = (1, 1, 1),
        padding: str = "valid",
        output_padding: Window | None = None,
        data_format: str | None = None,
        activation: ActivationLike = None,
        use_bias: bool = True,
        kernel_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        activity_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        **kwargs: Unpack[LayerArguments],
    ):
        Layer.__init__(self, **kwargs)  # Conv3D's arguments are not all this one's
        self._set_window(3, kernel_size, strides, padding, data_format)
        self._set_output(activation, use_bias, activity_regularizer)
        self._set_kernel(kernel_initializer, kernel_regularizer, kernel_constraint)
        self._set_bias(bias_initializer, bias_regularizer, bias_constraint)
        self.filters = positive_int(filters, "filters")
        self.output_padding = _output_padding(output_padding, self.strides)

    def formula(self) -> Pair:
        """The gradient of a convolution, as a layer."""
        return _transposed_pair(self, (1, 1, 1))

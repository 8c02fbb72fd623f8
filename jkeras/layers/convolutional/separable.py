"""Convolutions that treat every channel on its own: SeparableConv1D and 2D, DepthwiseConv1D and 2D."""

# pyright: reportPrivateUsage=false
from __future__ import annotations

from typing import Unpack, cast

from jkeras import constraints, initializers, regularizers
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
from jkeras.engine.base_layer import InputSpec, Layer, draw
from jkeras.layers._common import check_axis
from jkeras.layers._kernel_and_bias import KernelAndBias
from jkeras.layers.convolutional.conv import Conv1D, Conv2D, _Conv, finish
from jkeras.primitives import conv as ops
from jkeras.primitives.conv_args import channel_axis, check_strides, positive_int, positive_tuple


class UnusedArguments(LayerArguments, total=False):
    """Keras takes these for a `kernel` that such layers do not have, and passes over them; NASNet is so."""

    kernel_initializer: InitializerLike
    kernel_regularizer: RegularizerLike
    kernel_constraint: ConstraintLike


def _used(kwargs: UnusedArguments) -> LayerArguments:
    unused = UnusedArguments.__annotations__.keys() - LayerArguments.__annotations__.keys()
    return cast("LayerArguments", {name: value for name, value in kwargs.items() if name not in unused})


class _Depthwise(KernelAndBias):
    """A layer with a kernel for each channel alone."""

    depth_multiplier: int

    def _set_depthwise(
        self, initializer: InitializerLike, regularizer: RegularizerLike, constraint: ConstraintLike
    ) -> None:
        self.depthwise_initializer = initializers.get(initializer)
        self.depthwise_regularizer = regularizers.get(regularizer)
        self.depthwise_constraint = constraints.get(constraint)


class _SeparableConv(_Depthwise, _Conv):
    """A depthwise convolution, then a mix of the channels at each place; `formula` serves all ranks."""

    def _set_pointwise(
        self, initializer: InitializerLike, regularizer: RegularizerLike, constraint: ConstraintLike
    ) -> None:
        self.pointwise_initializer = initializers.get(initializer)
        self.pointwise_regularizer = regularizers.get(regularizer)
        self.pointwise_constraint = constraints.get(constraint)

    def formula(self) -> Pair:
        size, filters, multiplier, use_bias = (
            self.kernel_size,
            self.filters,
            self.depth_multiplier,
            self.use_bias,
        )
        strides, padding, format, dilation = self.strides, self.padding, self.data_format, self.dilation_rate
        activation, ones = self.activation, (1,) * len(self.strides)

        def init(rng: Key, in_shape: Shape) -> Weights:
            check_strides(strides, dilation)
            channels = in_shape[channel_axis(format, len(in_shape))]
            mixed = None if channels is None else channels * multiplier
            return draw(
                rng,
                self,
                depthwise_kernel=(*size, channels, multiplier),
                pointwise_kernel=(*ones, mixed, filters),
                bias=use_bias and (filters,),
            ), {}

        def apply(params: Params, state: State, x: Array, ctx: Ctx = INFERENCE) -> Out:
            check_axis(x, channel_axis(format, x.ndim), params["depthwise_kernel"].shape[-2])
            y = ops.depthwise_conv(x, params["depthwise_kernel"], strides, padding, format, dilation)
            y = ops.conv(y, params["pointwise_kernel"], ones, "valid", format, ones)
            return Out(finish(y, params, activation, format))

        return Pair(init, apply)


class SeparableConv1D(_SeparableConv):
    """Convolution over a sequence in two factors: each channel on its own, then a mix of the channels.

    `y = activation(depthwise(x) @ pointwise_kernel + bias)`.

    Args:
        filters: number of output channels.
        kernel_size: window of the depthwise part.
        strides: step of the window.
        padding: "valid" or "same".
        data_format: "channels_last" or "channels_first".
        dilation_rate: distance of the window's taps; not together with strides.
        depth_multiplier: outputs of the depthwise part per channel.
        activation: name or function; None is linear.
        use_bias: whether to add one value per filter.
        depthwise_initializer, pointwise_initializer, bias_initializer: how the weights start.
        depthwise_regularizer, pointwise_regularizer, bias_regularizer: losses on the weights.
        activity_regularizer: loss on the output.
        depthwise_constraint, pointwise_constraint, bias_constraint: projections after each update.
        **kwargs: base arguments; `kernel_initializer` and the like have no effect.

    Input shape:
        `(batch, steps, channels)`, or channels second.

    Output shape:
        `(batch, new_steps, filters)`, or filters second.

    Raises:
        ValueError: the kernel is larger than the input, unknown channels, strides with dilation.

    Keras 2.2.4: keras/layers/convolutional.py SeparableConv1D

    Example:
        >>> import numpy as np
        >>> SeparableConv1D(4, 3)(np.ones((1, 5, 2))).shape
        (1, 3, 4)
    """

    input_spec = InputSpec(ndim=3)

    def __init__(
        self,
        filters: Integer,
        kernel_size: Window,
        strides: Window = 1,
        padding: str = "valid",
        data_format: str | None = "channels_last",
        dilation_rate: Window = 1,
        depth_multiplier: Integer = 1,
        activation: ActivationLike = None,
        use_bias: bool = True,
        depthwise_initializer: InitializerLike = "glorot_uniform",
        pointwise_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        depthwise_regularizer: RegularizerLike = None,
        pointwise_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        activity_regularizer: RegularizerLike = None,
        depthwise_constraint: ConstraintLike = None,
        pointwise_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        **kwargs: Unpack[UnusedArguments],
    ):
        super().__init__(**_used(kwargs))
        self._set_window(1, kernel_size, strides, padding, data_format)
        self._set_output(activation, use_bias, activity_regularizer)
        self._set_depthwise(depthwise_initializer, depthwise_regularizer, depthwise_constraint)
        self._set_pointwise(pointwise_initializer, pointwise_regularizer, pointwise_constraint)
        self._set_bias(bias_initializer, bias_regularizer, bias_constraint)
        self.filters = positive_int(filters, "filters")
        self.dilation_rate = positive_tuple(dilation_rate, 1, "dilation_rate")
        self.depth_multiplier = positive_int(depth_multiplier, "depth_multiplier")


class SeparableConv2D(_SeparableConv):
    """Convolution over an image in two factors: each channel on its own, then a mix of the channels.

    `y = activation(depthwise(x) @ pointwise_kernel + bias)`.

    Args:
        filters: number of output channels.
        kernel_size: window of the depthwise part.
        strides: step of the window.
        padding: "valid" or "same".
        data_format: "channels_last" or "channels_first"; None: the configured one.
        dilation_rate: distance of the window's taps; not together with strides.
        depth_multiplier: outputs of the depthwise part per channel.
        activation: name or function; None is linear.
        use_bias: whether to add one value per filter.
        depthwise_initializer, pointwise_initializer, bias_initializer: how the weights start.
        depthwise_regularizer, pointwise_regularizer, bias_regularizer: losses on the weights.
        activity_regularizer: loss on the output.
        depthwise_constraint, pointwise_constraint, bias_constraint: projections after each update.
        **kwargs: base arguments; `kernel_initializer` and the like have no effect.

    Input shape:
        `(batch, rows, cols, channels)`, or channels second.

    Output shape:
        `(batch, new_rows, new_cols, filters)`, or filters second.

    Raises:
        ValueError: the kernel is larger than the input, unknown channels, strides with dilation.

    Keras 2.2.4: keras/layers/convolutional.py SeparableConv2D

    Example:
        >>> import numpy as np
        >>> SeparableConv2D(4, 3)(np.ones((1, 5, 5, 2))).shape
        (1, 3, 3, 4)
    """

    input_spec = InputSpec(ndim=4)

    @legacy("separable_conv2d")
    def __init__(
        self,
        filters: Integer,
        kernel_size: Window,
        strides: Window = (1, 1),
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Window = (1, 1),
        depth_multiplier: Integer = 1,
        activation: ActivationLike = None,
        use_bias: bool = True,
        depthwise_initializer: InitializerLike = "glorot_uniform",
        pointwise_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        depthwise_regularizer: RegularizerLike = None,
        pointwise_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        activity_regularizer: RegularizerLike = None,
        depthwise_constraint: ConstraintLike = None,
        pointwise_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        **kwargs: Unpack[UnusedArguments],
    ):
        super().__init__(**_used(kwargs))
        self._set_window(2, kernel_size, strides, padding, data_format)
        self._set_output(activation, use_bias, activity_regularizer)
        self._set_depthwise(depthwise_initializer, depthwise_regularizer, depthwise_constraint)
        self._set_pointwise(pointwise_initializer, pointwise_regularizer, pointwise_constraint)
        self._set_bias(bias_initializer, bias_regularizer, bias_constraint)
        self.filters = positive_int(filters, "filters")
        self.dilation_rate = positive_tuple(dilation_rate, 2, "dilation_rate")
        self.depth_multiplier = positive_int(depth_multiplier, "depth_multiplier")


def _depthwise_pair(layer: DepthwiseConv1D | DepthwiseConv2D) -> Pair:
    """The pair of a depthwise convolution of any rank."""
    size, multiplier, use_bias, activation = (
        layer.kernel_size,
        layer.depth_multiplier,
        layer.use_bias,
        layer.activation,
    )
    strides, padding, format, dilation = layer.strides, layer.padding, layer.data_format, layer.dilation_rate

    def init(rng: Key, in_shape: Shape) -> Weights:
        check_strides(strides, dilation)
        channels = in_shape[channel_axis(format, len(in_shape))]
        out = None if channels is None else channels * multiplier
        kernel = (*size, channels, multiplier)
        return draw(rng, layer, depthwise_kernel=kernel, bias=use_bias and (out,)), {}

    def apply(params: Params, state: State, x: Array, ctx: Ctx = INFERENCE) -> Out:
        check_axis(x, channel_axis(format, x.ndim), params["depthwise_kernel"].shape[-2])
        y = ops.depthwise_conv(x, params["depthwise_kernel"], strides, padding, format, dilation)
        return Out(finish(y, params, activation, format))

    return Pair(init, apply)


class DepthwiseArguments(UnusedArguments, total=False):
    dilation_rate: Window


class DepthwiseConv2D(_Depthwise, Conv2D):
    """Every channel of an image convolved with its own kernels: the first half of a SeparableConv2D.

    Args:
        kernel_size: window, an int or one per axis.
        strides: step of the window.
        padding: "valid" or "same".
        depth_multiplier: outputs per channel.
        data_format: "channels_last" or "channels_first"; None: the configured one.
        activation: name or function; None is linear.
        use_bias: whether to add one value per output channel.
        depthwise_initializer, bias_initializer: how the weights start.
        depthwise_regularizer, bias_regularizer: losses on the weights.
        activity_regularizer: loss on the output.
        depthwise_constraint, bias_constraint: projections of the weights after each update.
        **kwargs: base arguments, and `dilation_rate`; `kernel_initializer` and the like have no effect.

    Input shape:
        `(batch, rows, cols, channels)`, or channels second.

    Output shape:
        `(batch, new_rows, new_cols, channels * depth_multiplier)`, or channels second.

    Raises:
        ValueError: the kernel is larger than the input, unknown channels, strides with dilation.

    Keras 2.2.4: keras/layers/convolutional.py DepthwiseConv2D

    Example:
        >>> import numpy as np
        >>> DepthwiseConv2D(3, depth_multiplier=2)(np.ones((1, 5, 5, 2))).shape
        (1, 3, 3, 4)
    """

    def __init__(
        self,
        kernel_size: Window,
        strides: Window = (1, 1),
        padding: str = "valid",
        depth_multiplier: Integer = 1,
        data_format: str | None = None,
        activation: ActivationLike = None,
        use_bias: bool = True,
        depthwise_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        depthwise_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        activity_regularizer: RegularizerLike = None,
        depthwise_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        **kwargs: Unpack[DepthwiseArguments],
    ):
        self.dilation_rate = positive_tuple(kwargs.pop("dilation_rate", 1), 2, "dilation_rate")
        Layer.__init__(self, **_used(kwargs))  # Conv2D's arguments are not all this one's
        self._set_window(2, kernel_size, strides, padding, data_format)
        self._set_output(activation, use_bias, activity_regularizer)
        self._set_bias(bias_initializer, bias_regularizer, bias_constraint)
        self.depth_multiplier = positive_int(depth_multiplier, "depth_multiplier")
        self._set_depthwise(depthwise_initializer, depthwise_regularizer, depthwise_constraint)

    def formula(self) -> Pair:
        """A convolution of each channel by itself."""
        return _depthwise_pair(self)


class DepthwiseConv1D(_Depthwise, Conv1D):
    """Every channel of a sequence convolved with its own kernels: the first half of a SeparableConv1D.

    Args:
        kernel_size: window, an int.
        strides: step of the window.
        padding: "valid" or "same".
        depth_multiplier: outputs per channel.
        data_format: "channels_last" or "channels_first"; None: the configured one.
        dilation_rate: distance of the kernel's taps; not together with strides.
        activation: name or function; None is linear.
        use_bias: whether to add one value per output channel.
        depthwise_initializer, bias_initializer: how the weights start.
        depthwise_regularizer, bias_regularizer: losses on the weights.
        activity_regularizer: loss on the output.
        depthwise_constraint, bias_constraint: projections of the weights after each update.
        **kwargs: base arguments; `kernel_initializer` and the like have no effect.

    Input shape:
        `(batch, steps, channels)`, or channels second.

    Output shape:
        `(batch, new_steps, channels * depth_multiplier)`, or channels second.

    Raises:
        ValueError: the kernel is larger than the input, unknown channels, strides with dilation.

    Source: Keras 3: DepthwiseConv1D

    Example:
        >>> import numpy as np
        >>> DepthwiseConv1D(3, depth_multiplier=2)(np.ones((1, 5, 2))).shape
        (1, 3, 4)
    """

    def __init__(
        self,
        kernel_size: Window,
        strides: Window = 1,
        padding: str = "valid",
        depth_multiplier: Integer = 1,
        data_format: str | None = None,
        dilation_rate: Window = 1,
        activation: ActivationLike = None,
        use_bias: bool = True,
        depthwise_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        depthwise_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        activity_regularizer: RegularizerLike = None,
        depthwise_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        **kwargs: Unpack[UnusedArguments],
    ):
        self.dilation_rate = positive_tuple(dilation_rate, 1, "dilation_rate")
        Layer.__init__(self, **_used(kwargs))  # Conv1D's arguments are not all this one's
        self._set_window(1, kernel_size, strides, padding, data_format)
        self._set_output(activation, use_bias, activity_regularizer)
        self._set_bias(bias_initializer, bias_regularizer, bias_constraint)
        self.depth_multiplier = positive_int(depth_multiplier, "depth_multiplier")
        self._set_depthwise(depthwise_initializer, depthwise_regularizer, depthwise_constraint)

    def formula(self) -> Pair:
        """A convolution of each channel by itself."""
        return _depthwise_pair(self)

"""Convolutions: Conv1D, Conv2D, Conv3D and what all convolutions share."""

from __future__ import annotations

from typing import Unpack

from jkeras.compat.legacy_arguments import legacy
from jkeras.core import settings
from jkeras.core.arguments import (
    ActivationLike,
    ConstraintLike,
    InitializerLike,
    Integer,
    LayerArguments,
    RegularizerLike,
    Window,
)
from jkeras.core.types import INFERENCE, Array, Ctx, Function, Key, Out, Pair, Params, Shape, State, Weights
from jkeras.engine.base_layer import InputSpec, draw
from jkeras.layers._common import check_axis
from jkeras.layers._kernel_and_bias import KernelAndBias
from jkeras.primitives import conv as ops
from jkeras.primitives.conv_args import (
    channel_axis,
    check_strides,
    padding_mode,
    positive_int,
    positive_tuple,
)


class Windowed(KernelAndBias):
    """A layer whose kernel slides over spatial axes."""

    def _set_window(
        self,
        rank: int,
        kernel_size: Window,
        strides: Window,
        padding: str,
        data_format: str | None,
        paddings: tuple[str, ...] = ("valid", "same"),
    ) -> None:
        self.kernel_size = positive_tuple(kernel_size, rank, "kernel_size")
        self.strides = positive_tuple(strides, rank, "strides")
        self.padding = padding_mode(padding, paddings)
        self.data_format = settings.normalize_data_format(data_format)


def finish(y: Array, params: Params, activation: Function, format: str):
    """The end of every convolution: `activation(y + bias)`."""
    return activation(ops.bias_add(y, params["bias"], format) if "bias" in params else y)


class _Conv(Windowed):
    """A convolution over `rank` spatial axes; `formula` serves all ranks."""

    filters: int
    groups: int = 1
    unwritten = {"groups": 1}
    dilation_rate: tuple[int, ...]

    def _set_filters(self, filters: Integer, groups: Integer) -> None:
        self.filters, self.groups = positive_int(filters, "filters"), positive_int(groups, "groups")
        if self.filters % self.groups:
            raise ValueError(
                f"Layer {self.name!r} ({type(self).__name__}): filters={filters} cannot be shared among "
                f"groups={groups}: make `filters` a multiple of `groups`."
            )

    def formula(self) -> Pair:
        size, filters, use_bias, groups = self.kernel_size, self.filters, self.use_bias, self.groups
        strides, padding, format, dilation = self.strides, self.padding, self.data_format, self.dilation_rate
        activation = self.activation

        def init(rng: Key, in_shape: Shape) -> Weights:
            check_strides(strides, dilation)
            channels = in_shape[channel_axis(format, len(in_shape))]
            if channels is not None and channels % groups:
                raise ValueError(f"{channels} channels of the input cannot be cut into groups={groups} parts")
            each = None if channels is None else channels // groups
            return draw(rng, self, kernel=(*size, each, filters), bias=use_bias and (filters,)), {}

        def apply(params: Params, state: State, x: Array, ctx: Ctx = INFERENCE) -> Out:
            check_axis(x, channel_axis(format, x.ndim), params["kernel"].shape[-2] * groups)
            y = ops.conv(x, params["kernel"], strides, padding, format, dilation, groups)
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
        groups: into how many parts the channels are cut; each has `filters / groups` filters of its own.

    Input shape:
        `(batch, steps, channels)`, or channels second.

    Output shape:
        `(batch, new_steps, filters)`, or filters second.

    Raises:
        ValueError: the kernel is larger than the input, unknown channels, strides with dilation, groups that
            do not divide the channels.

    Keras 2.2.4: keras/layers/convolutional.py Conv1D

    Example:
        >>> import numpy as np
        >>> Conv1D(4, 3)(np.ones((1, 5, 2))).shape
        (1, 3, 4)
    """

    input_spec = InputSpec(ndim=3)

    @legacy("conv1d")
    def __init__(
        self,
        filters: Integer,
        kernel_size: Window,
        strides: Window = 1,
        padding: str = "valid",
        data_format: str | None = "channels_last",
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
        groups: Integer = 1,
        **kwargs: Unpack[LayerArguments],
    ):
        if padding == "causal" and data_format != "channels_last":
            raise ValueError(
                'When using causal padding in `Conv1D`, `data_format` must be "channels_last". '
                f"Received: {data_format!r}"
            )
        super().__init__(**kwargs)
        self._set_window(1, kernel_size, strides, padding, data_format, ("valid", "same", "causal"))
        self._set_output(activation, use_bias, activity_regularizer)
        self._set_kernel(kernel_initializer, kernel_regularizer, kernel_constraint)
        self._set_bias(bias_initializer, bias_regularizer, bias_constraint)
        self._set_filters(filters, groups)
        self.dilation_rate = positive_tuple(dilation_rate, 1, "dilation_rate")


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
        groups: into how many parts the channels are cut; each has `filters / groups` filters of its own.

    Input shape:
        `(batch, rows, cols, channels)`, or channels second.

    Output shape:
        `(batch, new_rows, new_cols, filters)`, or filters second.

    Raises:
        ValueError: the kernel is larger than the input, unknown channels, strides with dilation, groups that
            do not divide the channels.

    Keras 2.2.4: keras/layers/convolutional.py Conv2D

    Example:
        >>> import numpy as np
        >>> Conv2D(4, 3)(np.ones((1, 5, 5, 2))).shape
        (1, 3, 3, 4)
    """

    input_spec = InputSpec(ndim=4)

    @legacy("conv2d")
    def __init__(
        self,
        filters: Integer,
        kernel_size: Window,
        strides: Window = (1, 1),
        padding: str = "valid",
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
        groups: Integer = 1,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(**kwargs)
        self._set_window(2, kernel_size, strides, padding, data_format)
        self._set_output(activation, use_bias, activity_regularizer)
        self._set_kernel(kernel_initializer, kernel_regularizer, kernel_constraint)
        self._set_bias(bias_initializer, bias_regularizer, bias_constraint)
        self._set_filters(filters, groups)
        self.dilation_rate = positive_tuple(dilation_rate, 2, "dilation_rate")


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
        groups: into how many parts the channels are cut; each has `filters / groups` filters of its own.

    Input shape:
        `(batch, dim1, dim2, dim3, channels)`, or channels second.

    Output shape:
        `(batch, new_dim1, new_dim2, new_dim3, filters)`, or filters second.

    Raises:
        ValueError: the kernel is larger than the input, unknown channels, strides with dilation, groups that
            do not divide the channels.

    Keras 2.2.4: keras/layers/convolutional.py Conv3D

    Example:
        >>> import numpy as np
        >>> Conv3D(4, 3)(np.ones((1, 4, 4, 4, 2))).shape
        (1, 2, 2, 2, 4)
    """

    input_spec = InputSpec(ndim=5)

    @legacy("conv3d")
    def __init__(
        self,
        filters: Integer,
        kernel_size: Window,
        strides: Window = (1, 1, 1),
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Window = (1, 1, 1),
        activation: ActivationLike = None,
        use_bias: bool = True,
        kernel_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        activity_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        groups: Integer = 1,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(**kwargs)
        self._set_window(3, kernel_size, strides, padding, data_format)
        self._set_output(activation, use_bias, activity_regularizer)
        self._set_kernel(kernel_initializer, kernel_regularizer, kernel_constraint)
        self._set_bias(bias_initializer, bias_regularizer, bias_constraint)
        self._set_filters(filters, groups)
        self.dilation_rate = positive_tuple(dilation_rate, 3, "dilation_rate")

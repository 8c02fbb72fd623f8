"""Convolutions whose kernel differs from place to place."""

from __future__ import annotations

import math
from typing import Any, Unpack

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
from jkeras.engine.base_layer import InputSpec, draw
from jkeras.layers._common import check_axis
from jkeras.layers.convolutional.conv import Windowed, finish
from jkeras.primitives import conv as ops
from jkeras.primitives.conv_args import channel_axis, positive_int, spatial_axes, window


class _LocallyConnected(Windowed):
    """An unshared convolution over `rank` spatial axes; `formula` serves all ranks."""

    filters: int

    def formula(self) -> Pair:
        return _local_pair(self, self.data_format)


def _local_pair(layer: _LocallyConnected, format: str) -> Pair:
    size, strides, filters, use_bias = layer.kernel_size, layer.strides, layer.filters, layer.use_bias
    activation = layer.activation

    def init(rng: Key, in_shape: Shape) -> Weights:
        axes = spatial_axes(format, len(in_shape))
        if any(in_shape[a] is None for a in axes):
            raise ValueError(
                f"the spatial dimensions of the input should be fully defined, got shape {in_shape}"
            )
        lengths = [window(in_shape[a], k, s, "valid")[0] for a, k, s in zip(axes, size, strides, strict=True)]
        channels = in_shape[channel_axis(format, len(in_shape))]
        fan = None if channels is None else math.prod(size) * channels
        return draw(
            rng, layer, kernel=(math.prod(lengths), fan, filters), bias=use_bias and (*lengths, filters)
        ), {}

    def apply(params: Params, state: State, x: Array, ctx: Ctx = INFERENCE) -> Out:
        check_axis(x, channel_axis(format, x.ndim), params["kernel"].shape[1] // math.prod(size))
        y = ops.local_conv(x, params["kernel"], size, strides, format)
        return Out(finish(y, params, activation, format))

    return Pair(init, apply)


class LocallyConnected1D(_LocallyConnected):
    """Convolution over a sequence with its own kernel at every place.

    `y[p] = activation(x[window p] @ kernel[p] + bias[p])`.

    Args:
        filters: number of output channels.
        kernel_size: window.
        strides: step of the window.
        padding: "valid" only.
        data_format: kept for Keras, which computes channels last whatever it says.
        activation: name or function; None is linear.
        use_bias: whether to add one value per place and filter.
        kernel_initializer, bias_initializer: how the weights start.
        kernel_regularizer, bias_regularizer: losses on the weights.
        activity_regularizer: loss on the output.
        kernel_constraint, bias_constraint: projections of the weights after each update.

    Input shape:
        `(batch, steps, channels)`; all sizes known.

    Output shape:
        `(batch, new_steps, filters)`.

    Raises:
        ValueError: another padding, an unknown size, a kernel larger than the input.

    Keras 2.2.4: keras/layers/local.py LocallyConnected1D

    Example:
        >>> import numpy as np
        >>> LocallyConnected1D(4, 3)(np.ones((1, 5, 2))).shape
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
        super().__init__(**kwargs)
        self._set_window(1, kernel_size, strides, padding, data_format, ("valid",))
        self._set_output(activation, use_bias, activity_regularizer)
        self._set_kernel(kernel_initializer, kernel_regularizer, kernel_constraint)
        self._set_bias(bias_initializer, bias_regularizer, bias_constraint)
        self.filters = positive_int(filters, "filters")

    def formula(self) -> Pair:
        """A kernel of its own for each place."""
        return _local_pair(self, "channels_last")

    def get_config(self) -> dict[str, Any]:
        """As Keras, without `data_format`."""
        config = super().get_config()
        config.pop("data_format")
        return config


class LocallyConnected2D(_LocallyConnected):
    """Convolution over an image with its own kernel at every place.

    `y[p] = activation(x[window p] @ kernel[p] + bias[p])`.

    Args:
        filters: number of output channels.
        kernel_size: window, an int or one per axis.
        strides: step of the window.
        padding: "valid" only.
        data_format: "channels_last" or "channels_first"; None: the configured one.
        activation: name or function; None is linear.
        use_bias: whether to add one value per place and filter.
        kernel_initializer, bias_initializer: how the weights start.
        kernel_regularizer, bias_regularizer: losses on the weights.
        activity_regularizer: loss on the output.
        kernel_constraint, bias_constraint: projections of the weights after each update.

    Input shape:
        `(batch, rows, cols, channels)`, or channels second; all sizes known.

    Output shape:
        `(batch, new_rows, new_cols, filters)`, or filters second.

    Raises:
        ValueError: another padding, an unknown size, a kernel larger than the input.

    Keras 2.2.4: keras/layers/local.py LocallyConnected2D

    Example:
        >>> import numpy as np
        >>> LocallyConnected2D(4, 3)(np.ones((1, 5, 5, 2))).shape
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
        super().__init__(**kwargs)
        self._set_window(2, kernel_size, strides, padding, data_format, ("valid",))
        self._set_output(activation, use_bias, activity_regularizer)
        self._set_kernel(kernel_initializer, kernel_regularizer, kernel_constraint)
        self._set_bias(bias_initializer, bias_regularizer, bias_constraint)
        self.filters = positive_int(filters, "filters")

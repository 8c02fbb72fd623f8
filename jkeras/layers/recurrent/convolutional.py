"""ConvLSTM2D, and ConvLSTM1D and ConvLSTM3D beside it: recurrent layers whose states are images."""

# pyright: reportPrivateUsage=false
from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import jax
import jax.numpy as jnp

from jkeras import activations
from jkeras.compat.legacy_arguments import legacy
from jkeras.core import settings
from jkeras.core.arguments import (
    ActivationLike,
    Cell,
    ConstraintLike,
    InitializerLike,
    Integer,
    LayerArguments,
    RegularizerLike,
    Window,
)
from jkeras.core.types import Array, Ctx, Function, Params, Shape, Tree
from jkeras.layers.convolutional.conv import Windowed
from jkeras.layers.recurrent.base import RNN, RNNArguments
from jkeras.layers.recurrent.standard import StandardRNN
from jkeras.layers.recurrent.timed import TimedCell, dropout_factors
from jkeras.primitives import conv as conv_ops
from jkeras.primitives import recurrent as ops
from jkeras.primitives.conv_args import (
    channel_axis,
    check_strides,
    positive_int,
    positive_tuple,
    spatial_axes,
    window,
)
from jkeras.primitives.numeric import is_placed, rows_as


class ConvLSTM2DCell(TimedCell, Windowed):
    """One time step of a convolutional LSTM (Shi et al., 2015).

    As `LSTMCell`, with convolutions (*) in place of the products: i, f, g, o = blocks of x * K + b + h * U;
    c' = gate(f) c + gate(i) activation(g); h' = gate(o) activation(c').

    Args:
        filters: number of output channels.
        kernel_size: window of both convolutions.
        strides, padding, dilation_rate: of the convolution of the input; the one of the state keeps its size.
        data_format: "channels_last" or "channels_first".
        activation: of the candidate and of the output.
        recurrent_activation: of the gates.
        use_bias: whether there is a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: how K, U and b start.
        unit_forget_bias: whether the bias of the forget gate starts at 1.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties on them.
        kernel_constraint, recurrent_constraint, bias_constraint: rules for them.
        dropout: fraction of the inputs dropped in training, the same ones in every time step.
        recurrent_dropout: fraction of the states dropped, likewise.

    Input shape: `[(batch, rows, cols, channels), h, c]`.
    Output shape: three times `(batch, new rows, new cols, filters)`: output, h, c.

    Raises:
        ValueError: `kernel_size`, `strides`, `padding` or `data_format` has another form.

    Keras 2.2.4: keras/layers/convolutional_recurrent.py ConvLSTM2DCell

    Example:
        >>> ConvLSTM2DCell(4, 3).kernel_size
        (3, 3)
    """

    states = 2
    dimensions = 2  # of an image

    def __init__(
        self,
        filters: Integer,
        kernel_size: Window,
        strides: Window = (1, 1),
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Window = (1, 1),
        activation: ActivationLike = "tanh",
        recurrent_activation: ActivationLike = "hard_sigmoid",
        use_bias: bool = True,
        kernel_initializer: InitializerLike = "glorot_uniform",
        recurrent_initializer: InitializerLike = "orthogonal",
        bias_initializer: InitializerLike = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: RegularizerLike = None,
        recurrent_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        recurrent_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(**kwargs)
        self._set_window(self.dimensions, kernel_size, strides, padding, data_format)
        self._set_output(activation, use_bias)
        self.recurrent_activation = activations.get(recurrent_activation)
        self._set_kernel(kernel_initializer, kernel_regularizer, kernel_constraint)
        self._set_recurrent(recurrent_initializer, recurrent_regularizer, recurrent_constraint)
        self._set_bias(bias_initializer, bias_regularizer, bias_constraint)
        self._set_dropout(dropout, recurrent_dropout)
        self.filters, self.unit_forget_bias = positive_int(filters, "filters"), unit_forget_bias
        self.dilation_rate = positive_tuple(dilation_rate, self.dimensions, "dilation_rate")

    @property
    def state_size(self) -> tuple[int, int]:
        """Channels of both states."""
        return (self.filters, self.filters)

    def drawing(self) -> Function:
        """The way in which the weights are drawn."""
        size, filters, use_bias = self.kernel_size, self.filters, self.use_bias
        strides, dilation = self.strides, self.dilation_rate
        axis = channel_axis(self.data_format, self.dimensions + 2)

        def shapes(step_shape: Shape):
            check_strides(strides, dilation)
            channels = step_shape[axis]
            return {
                "kernel": (*size, channels, 4 * filters),
                "recurrent_kernel": (*size, filters, 4 * filters),
                "bias": use_bias and (4 * filters,),
            }

        return shapes

    def over_time(self) -> Function:
        """The part that can be computed of all steps at once."""
        format, activation, gate = self.data_format, self.activation, self.recurrent_activation
        strides, padding, dilation = self.strides, self.padding, self.dilation_rate
        rate, recurrent_rate = self.dropout, self.recurrent_dropout
        each = (1,) * self.dimensions
        axis = channel_axis(format, self.dimensions + 2)

        def input_conv(x: Array, kernel: Array):
            return conv_ops.conv(x, kernel, strides, padding, format, dilation)

        def state_conv(h: Array, kernel: Array):
            return conv_ops.conv(h, kernel, each, "same", format, each)

        def run(params: Params, x: Array, states: list[Array], mask: Tree, ctx: Ctx, way: ops.Way):
            drop = dropout_factors(ctx, rate, 4, x.shape[1:], x.dtype, salt=1)

            def of_input(x: Array, drop: Array | None):
                z = _by_gate(input_conv, x, params["kernel"], drop, axis)
                return conv_ops.bias_add(z, params["bias"], format) if "bias" in params else z

            if is_placed(x):
                z = jax.vmap(of_input, (0, None))(x, drop)
            else:
                flat = x.reshape((x.shape[0] * x.shape[1],) + x.shape[2:])
                spread = None if drop is None else jnp.tile(drop, (1, x.shape[0], 1, *each))
                z = of_input(flat, spread)
                z = z.reshape(x.shape[:2] + z.shape[1:])
            kept = dropout_factors(ctx, recurrent_rate, 4, states[1].shape, z.dtype, salt=2)

            def step(z: Array, states: list[Array]):
                h, c = states
                z = z + _by_gate(state_conv, h, params["recurrent_kernel"], kept, axis)
                i, f, g, o = jnp.split(z, 4, axis)
                c = gate(f) * c + gate(i) * activation(g)
                h = gate(o) * activation(c)
                return h, [h, c]

            return ops.loop(step, z, states, mask, way)

        return run


def _by_gate(convolve: Function, x: Array, kernel: Array, drop: Array | None, axis: int):
    """One convolution for all gates, or one for each, where each has its own dropout factors."""
    if drop is None:
        return convolve(x, kernel)
    parts = jnp.split(kernel, drop.shape[0], axis=-1)
    return jnp.concatenate([convolve(x * d, part) for d, part in zip(drop, parts, strict=True)], axis)


class ConvRNN2D(RNN):
    """A recurrent layer over a cell whose states are images.

    Args:
        cell: a cell with `filters`, `kernel_size`, `strides`, `padding`, `data_format` and `dilation_rate`,
            from which the size of the states follows; no list of cells.
        return_sequences, return_state, go_backwards, stateful: see `RNN`.
        unroll: must be False.

    Input shape: `(batch, time, rows, cols, channels)`, or channels third.
    Output shape: `(batch, new rows, new cols, filters)`; with `return_sequences` a time axis after the batch.

    Raises:
        TypeError: `unroll`, or a list of cells.
        ValueError: a mask; `stateful` without fixed sizes.

    Keras 2.2.4: keras/layers/convolutional_recurrent.py ConvRNN2D

    Example:
        >>> import numpy as np
        >>> ConvRNN2D(ConvLSTM2DCell(2, 3))(np.ones((1, 2, 5, 5, 1))).shape
        (1, 3, 3, 2)
    """

    rank = 5  # of the input

    def __init__(
        self,
        cell: Cell | Sequence[Cell],
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        **kwargs: Unpack[RNNArguments],
    ):
        if unroll:
            raise TypeError("Unrolling isn't possible with convolutional RNNs: leave `unroll` False.")
        if isinstance(cell, (list, tuple)):
            raise TypeError("Convolutional cells cannot be stacked in one layer: use a layer for each.")
        super().__init__(cell, return_sequences, return_state, go_backwards, stateful, unroll, **kwargs)

    def _image(self) -> Function:
        cell = self.cell
        sizes, format = self.state_sizes(), cell.data_format
        windows = tuple(zip(cell.kernel_size, cell.strides, cell.dilation_rate, strict=True))
        padding, axes = cell.padding, spatial_axes(format, self.rank - 1)

        def shapes(shape: tuple[int, ...]) -> list[tuple[Any, ...]]:
            lengths = [shape[i + 1] for i in axes]
            places = [window(n, k, s, padding, d)[0] for n, (k, s, d) in zip(lengths, windows, strict=True)]
            first = format == "channels_first"
            return [(shape[0], n, *places) if first else (shape[0], *places, n) for n in sizes]

        return shapes

    def zero_states(self):
        shapes = self._image()

        def zeros(params: Params, x: Array):
            dtype = x.dtype if jnp.issubdtype(x.dtype, jnp.floating) else settings.floatx()
            return [rows_as(jnp.zeros(shape, dtype), x) for shape in shapes(x.shape)]

        return zeros

    def state_shapes(self, shape: Shape) -> list[tuple[Any, ...]]:
        if None in (shape[0], *shape[2:]):
            raise ValueError(
                f"Layer {self.name!r} ({type(self).__name__}) is stateful, so it must know batch size, rows "
                f"and columns: give them in `batch_input_shape` or `batch_shape`. Its input shape is {shape}."
            )
        return self._image()(shape)


class ConvLSTMArguments(RNNArguments, total=False):
    return_state: bool
    unroll: bool


class ConvLSTM2D(StandardRNN, ConvRNN2D):
    """Convolutional LSTM (Shi et al., 2015): see `ConvLSTM2DCell` for its formula.

    Args:
        filters: number of output channels.
        kernel_size: window of both convolutions.
        strides, padding, dilation_rate: of the convolution of the input; the one of the state keeps its size.
        data_format: "channels_last" or "channels_first".
        activation: of the candidate and of the output.
        recurrent_activation: of the gates.
        use_bias: whether there is a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: how the weights start.
        unit_forget_bias: whether the bias of the forget gate starts at 1.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties on the weights.
        activity_regularizer: penalty on the output.
        kernel_constraint, recurrent_constraint, bias_constraint: rules for the weights.
        return_sequences, go_backwards, stateful: see `RNN`; `return_state` is understood too.
        dropout: fraction of the inputs dropped in training, the same ones in every time step.
        recurrent_dropout: fraction of the states dropped, likewise.

    Input shape: `(batch, time, rows, cols, channels)`, or channels third.
    Output shape: `(batch, new rows, new cols, filters)`; with `return_sequences` a time axis after the batch.

    Raises:
        ValueError: strides with dilation; a window larger than the image; a mask.

    Keras 2.2.4: keras/layers/convolutional_recurrent.py ConvLSTM2D

    Example:
        >>> import numpy as np
        >>> ConvLSTM2D(2, 3, padding="same", return_sequences=True)(np.ones((1, 2, 5, 5, 1))).shape
        (1, 2, 5, 5, 2)
    """

    cell_class = ConvLSTM2DCell
    filters: int
    kernel_size: tuple[int, ...]
    strides: tuple[int, ...]
    padding: str
    data_format: str
    dilation_rate: tuple[int, ...]
    recurrent_activation: Any
    unit_forget_bias: bool

    @legacy("conv_lstm2d")
    def __init__(
        self,
        filters: Integer,
        kernel_size: Window,
        strides: Window = (1, 1),
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Window = (1, 1),
        activation: ActivationLike = "tanh",
        recurrent_activation: ActivationLike = "hard_sigmoid",
        use_bias: bool = True,
        kernel_initializer: InitializerLike = "glorot_uniform",
        recurrent_initializer: InitializerLike = "orthogonal",
        bias_initializer: InitializerLike = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: RegularizerLike = None,
        recurrent_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        activity_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        recurrent_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        return_sequences: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        **kwargs: Unpack[ConvLSTMArguments],
    ):
        cell = self.cell_class(
            filters,
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            activation,
            recurrent_activation,
            use_bias,
            unit_forget_bias=unit_forget_bias,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
        )
        cell._set_kernel(kernel_initializer, kernel_regularizer, kernel_constraint)
        cell._set_recurrent(recurrent_initializer, recurrent_regularizer, recurrent_constraint)
        cell._set_bias(bias_initializer, bias_regularizer, bias_constraint)
        super().__init__(
            cell,
            activity_regularizer,
            return_sequences,
            go_backwards=go_backwards,
            stateful=stateful,
            **kwargs,
        )


class _OfKeras3(ConvLSTM2D):
    """A ConvLSTM with the arguments of Keras 3: its gates are sigmoids."""

    def __init__(
        self,
        filters: Integer,
        kernel_size: Window,
        strides: Window = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Window = 1,
        activation: ActivationLike = "tanh",
        recurrent_activation: ActivationLike = "sigmoid",
        **kwargs: Any,
    ):
        super().__init__(
            filters,
            kernel_size,
            strides=strides,
            padding=padding,
            data_format=data_format,
            dilation_rate=dilation_rate,
            activation=activation,
            recurrent_activation=recurrent_activation,
            **kwargs,
        )


class _Cell1D(ConvLSTM2DCell):
    dimensions = 1


class ConvLSTM1D(_OfKeras3):
    """Convolutional LSTM whose states are sequences: see `ConvLSTM2DCell` for its formula.

    Args:
        filters: number of output channels.
        kernel_size: window of both convolutions.
        strides, padding, dilation_rate: of the convolution of the input; the one of the state keeps its size.
        data_format: "channels_last" or "channels_first".
        activation: of the candidate and of the output.
        recurrent_activation: of the gates; "sigmoid" as in Keras 3, which this layer comes from.
        kwargs: the other arguments of `ConvLSTM2D`.

    Input shape: `(batch, time, steps, channels)`, or channels third.
    Output shape: `(batch, new steps, filters)`; with `return_sequences` a time axis after the batch.

    Raises:
        ValueError: strides with dilation; a window larger than the sequences; a mask.

    Keras 3: keras/src/layers/rnn/conv_lstm1d.py ConvLSTM1D

    Example:
        >>> import numpy as np
        >>> ConvLSTM1D(2, 3, padding="same", return_sequences=True)(np.ones((1, 2, 5, 1))).shape
        (1, 2, 5, 2)
    """

    rank = 4
    cell_class = _Cell1D


class _Cell3D(ConvLSTM2DCell):
    dimensions = 3


class ConvLSTM3D(_OfKeras3):
    """Convolutional LSTM whose states are volumes: see `ConvLSTM2DCell` for its formula.

    Args:
        filters: number of output channels.
        kernel_size: window of both convolutions.
        strides, padding, dilation_rate: of the convolution of the input; the one of the state keeps its size.
        data_format: "channels_last" or "channels_first".
        activation: of the candidate and of the output.
        recurrent_activation: of the gates; "sigmoid" as in Keras 3, which this layer comes from.
        kwargs: the other arguments of `ConvLSTM2D`.

    Input shape: `(batch, time, depth, rows, cols, channels)`, or channels third.
    Output shape: `(batch, new depth, new rows, new cols, filters)`; with `return_sequences` a time axis
        after the batch.

    Raises:
        ValueError: strides with dilation; a window larger than the volumes; a mask.

    Keras 3: keras/src/layers/rnn/conv_lstm3d.py ConvLSTM3D

    Example:
        >>> import numpy as np
        >>> ConvLSTM3D(2, 3, padding="same", return_sequences=True)(np.ones((1, 2, 3, 5, 5, 1))).shape
        (1, 2, 3, 5, 5, 2)
    """

    rank = 6
    cell_class = _Cell3D

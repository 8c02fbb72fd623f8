"""CuDNNGRU and CuDNNLSTM: weights laid out as cuDNN keeps them, and the way to and from the plain layers.

The layers compute what GRU(reset_after=True) and LSTM with `sigmoid` gates do, by the same loop over time;
only the layout of their weights differs, so that files of Keras load into either. cuDNN's own LSTM, which jax
offers, was slower than that loop at every size on an H200 (`benchmarks/gpu.md`).
"""

# pyright: reportPrivateUsage=false
from __future__ import annotations

from typing import Any, Unpack

from jkeras import activations
from jkeras.core.arguments import (
    ConstraintLike,
    InitializerLike,
    Integer,
    LayerArguments,
    RegularizerLike,
)
from jkeras.core.types import Array, Ctx, Function, Params
from jkeras.layers.recurrent.base import RNNArguments
from jkeras.layers.recurrent.cells import split_gru_after
from jkeras.layers.recurrent.standard import StandardRNN
from jkeras.layers.recurrent.timed import StandardCell, split_plain
from jkeras.primitives import recurrent as ops
from jkeras.primitives.conv_args import positive_int

_GATES = {"LSTM": 4, "GRU": 3}
_WEIGHTS = ("kernel", "recurrent_kernel", "bias")


def cudnn_to_plain(kind: str, weights: Any) -> list[Any]:
    """Weights of CuDNNLSTM or CuDNNGRU as those of LSTM or GRU(reset_after=True), both with sigmoid gates.

    Args:
        kind: "LSTM" or "GRU".
        weights: `[kernel, recurrent_kernel, bias]` of the cuDNN layer, numpy or jax arrays.

    Returns:
        The three arrays of the plain layer.

    Keras 2.2.4: keras/engine/saving.py preprocess_weights_for_loading

    Example:
        >>> import numpy as np
        >>> cudnn_to_plain("LSTM", [np.ones((2, 4)), np.ones((1, 4)), np.arange(8.0)])[2].tolist()
        [4.0, 6.0, 8.0, 10.0]
    """
    kernel, recurrent, bias = weights
    bias = bias.reshape(2, -1)
    return [
        _each_gate(_from_memory, kernel, kind),
        _each_gate(_transposed, recurrent, kind),
        bias if kind == "GRU" else bias.sum(0),
    ]


def plain_to_cudnn(kind: str, weights: Any) -> list[Any]:
    """The way back: weights of LSTM or GRU(reset_after=True) for the cuDNN layer.

    Args:
        kind: "LSTM" or "GRU".
        weights: `[kernel, recurrent_kernel, bias]` of the plain layer, numpy or jax arrays.

    Returns:
        The three arrays of the cuDNN layer; LSTM's bias is split into equal halves.

    Raises:
        ValueError: the bias is that of a GRU without `reset_after`, which cuDNN does not have.

    Keras 2.2.4: keras/engine/saving.py preprocess_weights_for_loading

    Example:
        >>> import numpy as np
        >>> weights = [np.arange(8.0).reshape(2, 4), np.ones((1, 4)), np.arange(4.0)]
        >>> there = plain_to_cudnn("LSTM", weights)
        >>> all(np.array_equal(a, b) for a, b in zip(cudnn_to_plain("LSTM", there), weights))
        True
    """
    kernel, recurrent, bias = weights
    if kind == "GRU" and bias.ndim != 2:
        raise ValueError(
            "GRU(reset_after=False) is not compatible with CuDNNGRU: its formula is another one."
        )
    halves = bias if kind == "GRU" else (bias * 0.5)[None].repeat(2, axis=0)
    return [
        _each_gate(_to_memory, kernel, kind),
        _each_gate(_transposed, recurrent, kind),
        halves.reshape(-1),
    ]


def _each_gate(change: Function, kernel: Array, kind: str):
    """`change` of the matrices (gate, inputs, units) that stand side by side in a kernel."""
    gates = _GATES[kind]
    stacked = change(kernel.reshape(kernel.shape[0], gates, -1).swapaxes(0, 1))
    return stacked.swapaxes(0, 1).reshape(kernel.shape)


def _from_memory(k: Array):
    """cuDNN's memory holds (units, inputs) row by row, whatever shape Keras gave it."""
    return k.reshape(k.shape[0], k.shape[2], k.shape[1]).swapaxes(1, 2)


def _to_memory(k: Array):
    return k.swapaxes(1, 2).reshape(k.shape)


def _transposed(k: Array):
    return k.swapaxes(1, 2)


class _CuDNNCell(StandardCell):
    """The plain cell behind a cuDNN layer, fed with cuDNN's layout."""

    kind: str
    activation, recurrent_activation = staticmethod(activations.tanh), staticmethod(activations.sigmoid)
    use_bias, dropout, recurrent_dropout = True, 0.0, 0.0

    def __init__(
        self,
        units: Integer,
        kernel_initializer: InitializerLike = "glorot_uniform",
        recurrent_initializer: InitializerLike = "orthogonal",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike = None,
        recurrent_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        recurrent_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        unit_forget_bias: bool = False,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(**kwargs)
        self.units, self.unit_forget_bias = positive_int(units, "units"), unit_forget_bias
        self._set_kernel(kernel_initializer, kernel_regularizer, kernel_constraint)
        self._set_recurrent(recurrent_initializer, recurrent_regularizer, recurrent_constraint)
        self._set_bias(bias_initializer, bias_regularizer, bias_constraint)

    def bias_shape(self) -> tuple[int, ...]:
        return (2 * self.gates * self.units,)

    def preparation(self) -> Function:
        prepare, kind = super().preparation(), self.kind

        def converted(params: Params, x: Array, ctx: Ctx):
            plain = cudnn_to_plain(kind, [params[name] for name in _WEIGHTS])
            return prepare(dict(zip(_WEIGHTS, plain, strict=True)), x, ctx)

        return converted


class _CuDNNLSTMCell(_CuDNNCell):
    kind, gates, states, forget_block = "LSTM", 4, 2, (8, 5)

    def kernels(self) -> ops.Cell:
        return ops.LSTM

    def splitter(self) -> Function:
        return split_plain


class _CuDNNGRUCell(_CuDNNCell):
    kind, gates = "GRU", 3

    def kernels(self) -> ops.Cell:
        return ops.GRU_AFTER

    def splitter(self) -> Function:
        return split_gru_after


class CuDNNArguments(RNNArguments, total=False):
    go_backwards: bool


class _CuDNN(StandardRNN):
    """A base of both layers, without masks and unrolling."""

    supports_masking = False
    units: int

    def get_config(self) -> dict[str, Any]:
        return {name: value for name, value in super().get_config().items() if name != "unroll"}


class CuDNNLSTM(_CuDNN):
    """LSTM (tanh, sigmoid gates) with the weights in cuDNN's layout.

    The formula is that of `LSTM(units, recurrent_activation="sigmoid")` with the bias in two halves that are
    added, computed by the same loop on every device.

    Args:
        units: size of the output.
        kernel_initializer, recurrent_initializer, bias_initializer: how the weights start.
        unit_forget_bias: whether the bias of the forget gate starts at 1.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties on the weights.
        activity_regularizer: penalty on the output.
        kernel_constraint, recurrent_constraint, bias_constraint: rules for the weights.
        return_sequences, return_state, stateful: see `RNN`; `go_backwards` is understood too.

    Input shape: `(batch, time, features)`.
    Output shape: `(batch, units)`, or `(batch, time, units)` with `return_sequences`.

    Raises:
        TypeError: a mask came; cuDNN's layers do not take one.

    Keras 2.2.4: keras/layers/cudnn_recurrent.py CuDNNLSTM

    Example:
        >>> import numpy as np
        >>> CuDNNLSTM(4)(np.ones((2, 3, 5))).shape
        (2, 4)
    """

    def __init__(
        self,
        units: Integer,
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
        return_state: bool = False,
        stateful: bool = False,
        **kwargs: Unpack[CuDNNArguments],
    ):
        cell = _CuDNNLSTMCell(units, unit_forget_bias=unit_forget_bias)
        cell._set_kernel(kernel_initializer, kernel_regularizer, kernel_constraint)
        cell._set_recurrent(recurrent_initializer, recurrent_regularizer, recurrent_constraint)
        cell._set_bias(bias_initializer, bias_regularizer, bias_constraint)
        super().__init__(
            cell, activity_regularizer, return_sequences, return_state, stateful=stateful, **kwargs
        )


class CuDNNGRU(_CuDNN):
    """GRU (tanh, sigmoid gates, reset after the product) with the weights in cuDNN's layout.

    The formula is that of `GRU(units, recurrent_activation="sigmoid", reset_after=True)`, computed by the
    same loop on every device.

    Args:
        units: size of the output.
        kernel_initializer, recurrent_initializer, bias_initializer: how the weights start.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties on the weights.
        activity_regularizer: penalty on the output.
        kernel_constraint, recurrent_constraint, bias_constraint: rules for the weights.
        return_sequences, return_state, stateful: see `RNN`; `go_backwards` is understood too.

    Input shape: `(batch, time, features)`.
    Output shape: `(batch, units)`, or `(batch, time, units)` with `return_sequences`.

    Raises:
        TypeError: a mask came; cuDNN's layers do not take one.

    Keras 2.2.4: keras/layers/cudnn_recurrent.py CuDNNGRU

    Example:
        >>> import numpy as np
        >>> CuDNNGRU(4)(np.ones((2, 3, 5))).shape
        (2, 4)
    """

    def __init__(
        self,
        units: Integer,
        kernel_initializer: InitializerLike = "glorot_uniform",
        recurrent_initializer: InitializerLike = "orthogonal",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike = None,
        recurrent_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        activity_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        recurrent_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        return_sequences: bool = False,
        return_state: bool = False,
        stateful: bool = False,
        **kwargs: Unpack[CuDNNArguments],
    ):
        cell = _CuDNNGRUCell(units)
        cell._set_kernel(kernel_initializer, kernel_regularizer, kernel_constraint)
        cell._set_recurrent(recurrent_initializer, recurrent_regularizer, recurrent_constraint)
        cell._set_bias(bias_initializer, bias_regularizer, bias_constraint)
        super().__init__(
            cell, activity_regularizer, return_sequences, return_state, stateful=stateful, **kwargs
        )

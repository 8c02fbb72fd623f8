"""The standard cells: SimpleRNNCell, GRUCell, LSTMCell."""

from __future__ import annotations

from typing import Any, Unpack

from jkeras import activations
from jkeras.core.arguments import (
    ActivationLike,
    ConstraintLike,
    InitializerLike,
    Integer,
    LayerArguments,
    RegularizerLike,
)
from jkeras.core.types import Function, Params
from jkeras.layers.recurrent.timed import StandardCell
from jkeras.primitives import recurrent as ops
from jkeras.primitives.conv_args import positive_int


class SimpleRNNCell(StandardCell):
    """One time step of a fully connected recurrent layer.

    h' = activation(x K + b + h U).

    Args:
        units: size of the output and of the state.
        activation: of the output.
        use_bias: whether there is a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: how K, U and b start.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties on them.
        kernel_constraint, recurrent_constraint, bias_constraint: rules for them.
        dropout: fraction of the inputs dropped in training, the same ones in every time step.
        recurrent_dropout: fraction of the states dropped, likewise.

    Input shape: `[(batch, features), (batch, units)]`.
    Output shape: `[(batch, units), (batch, units)]`: output and state.

    Raises:
        ValueError: an unknown activation, initializer, regularizer or constraint; a step without its states.

    Keras 2.2.4: keras/layers/recurrent.py SimpleRNNCell

    Example:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> init, apply = SimpleRNNCell(3).pure()
        >>> params, state = init(jax.random.key(0), (None, 2))
        >>> [y.shape for y in apply(params, state, [jnp.ones((4, 2)), jnp.zeros((4, 3))]).y]
        [(4, 3), (4, 3)]
    """

    def __init__(
        self,
        units: Integer,
        activation: ActivationLike = "tanh",
        use_bias: bool = True,
        kernel_initializer: InitializerLike = "glorot_uniform",
        recurrent_initializer: InitializerLike = "orthogonal",
        bias_initializer: InitializerLike = "zeros",
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
        self.units = positive_int(units, "units")
        self._set_output(activation, use_bias)
        self._set_kernel(kernel_initializer, kernel_regularizer, kernel_constraint)
        self._set_recurrent(recurrent_initializer, recurrent_regularizer, recurrent_constraint)
        self._set_bias(bias_initializer, bias_regularizer, bias_constraint)
        self._set_dropout(dropout, recurrent_dropout)

    def kernels(self) -> ops.Cell:
        """The kernels and their shapes."""
        return ops.SIMPLE


class GRUCell(StandardCell):
    """One time step of a gated recurrent unit (Cho et al., 2014).

    z, r = gate(x K + b + h U); h' = z h + (1 - z) activation(x K + b + (r h) U),
    or with `reset_after`: activation(x K + b + r (h U + b')).

    Args:
        units: size of the output and of the state.
        activation: of the candidate.
        recurrent_activation: of the gates.
        use_bias: whether there is a bias; with `reset_after` it has two rows, for input and state.
        kernel_initializer, recurrent_initializer, bias_initializer: how K, U and b start.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties on them.
        kernel_constraint, recurrent_constraint, bias_constraint: rules for them.
        dropout: fraction of the inputs dropped in training, the same ones in every time step.
        recurrent_dropout: fraction of the states dropped, likewise.
        implementation: 1: a dropout mask for each gate; 2: one for all gates.
        reset_after: whether the reset gate acts after the product (as cuDNN has it).

    Input shape: `[(batch, features), (batch, units)]`.
    Output shape: `[(batch, units), (batch, units)]`: output and state.

    Raises:
        ValueError: an unknown activation, initializer, regularizer or constraint; a step without its states.

    Keras 2.2.4: keras/layers/recurrent.py GRUCell

    Example:
        >>> GRUCell(3, reset_after=True).bias_shape()
        (2, 9)
    """

    gates = 3

    def __init__(
        self,
        units: Integer,
        activation: ActivationLike = "tanh",
        recurrent_activation: ActivationLike = "hard_sigmoid",
        use_bias: bool = True,
        kernel_initializer: InitializerLike = "glorot_uniform",
        recurrent_initializer: InitializerLike = "orthogonal",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike = None,
        recurrent_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        recurrent_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        implementation: int = 1,
        reset_after: bool = False,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(**kwargs)
        self.units = positive_int(units, "units")
        self._set_output(activation, use_bias)
        self.recurrent_activation = activations.get(recurrent_activation)
        self._set_kernel(kernel_initializer, kernel_regularizer, kernel_constraint)
        self._set_recurrent(recurrent_initializer, recurrent_regularizer, recurrent_constraint)
        self._set_bias(bias_initializer, bias_regularizer, bias_constraint)
        self._set_dropout(dropout, recurrent_dropout)
        self.implementation, self.reset_after = implementation, reset_after

    def kernels(self) -> ops.Cell:
        """The kernels and their shapes."""
        return ops.GRU_AFTER if self.reset_after else ops.GRU

    def bias_shape(self) -> tuple[int, ...]:
        """The shape of the bias."""
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    def splitter(self) -> Function:
        return split_gru_after if self.reset_after else split_gru


def split_gru(params: Params) -> tuple[Any, dict[str, Any]]:
    kernel = params["recurrent_kernel"]
    units = kernel.shape[0]
    return params.get("bias"), {"gates": kernel[:, : 2 * units], "candidate": kernel[:, 2 * units :]}


def split_gru_after(params: Params) -> tuple[Any, dict[str, Any]]:
    weights = {"recurrent_kernel": params["recurrent_kernel"]}
    if "bias" not in params:
        return None, weights
    return params["bias"][0], weights | {"recurrent_bias": params["bias"][1]}


class LSTMCell(StandardCell):
    """One time step of a long short-term memory (Hochreiter and Schmidhuber, 1997).

    i, f, g, o = blocks of (x K + b + h U);
    c' = gate(f) c + gate(i) activation(g); h' = gate(o) activation(c').

    Args:
        units: size of the output and of both states.
        activation: of the candidate and of the output.
        recurrent_activation: of the gates.
        use_bias: whether there is a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: how K, U and b start.
        unit_forget_bias: whether the bias of the forget gate starts at 1.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties on them.
        kernel_constraint, recurrent_constraint, bias_constraint: rules for them.
        dropout: fraction of the inputs dropped in training, the same ones in every time step.
        recurrent_dropout: fraction of the states dropped, likewise.
        implementation: 1: a dropout mask for each gate; 2: one for all gates.

    Input shape: `[(batch, features), (batch, units), (batch, units)]`: input, h, c.
    Output shape: three times `(batch, units)`: output, h, c.

    Raises:
        ValueError: an unknown activation, initializer, regularizer or constraint; a step without its states.

    Keras 2.2.4: keras/layers/recurrent.py LSTMCell

    Example:
        >>> LSTMCell(3).state_size
        (3, 3)
    """

    gates, states = 4, 2

    def __init__(
        self,
        units: Integer,
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
        implementation: int = 1,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(**kwargs)
        self.units = positive_int(units, "units")
        self._set_output(activation, use_bias)
        self.recurrent_activation = activations.get(recurrent_activation)
        self._set_kernel(kernel_initializer, kernel_regularizer, kernel_constraint)
        self._set_recurrent(recurrent_initializer, recurrent_regularizer, recurrent_constraint)
        self._set_bias(bias_initializer, bias_regularizer, bias_constraint)
        self._set_dropout(dropout, recurrent_dropout)
        self.implementation, self.unit_forget_bias = implementation, unit_forget_bias

    def kernels(self) -> ops.Cell:
        """The kernels and their shapes."""
        return ops.LSTM

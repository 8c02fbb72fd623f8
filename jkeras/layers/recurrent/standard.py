"""SimpleRNN, GRU, LSTM: a standard cell over time, as one layer with its own weights."""

# pyright: reportPrivateUsage=false
from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Unpack

from jkeras import regularizers
from jkeras.compat.legacy_arguments import legacy
from jkeras.core.arguments import (
    ActivationLike,
    ConstraintLike,
    InitializerLike,
    Integer,
    RegularizerLike,
)
from jkeras.engine.layer.config import argument_names
from jkeras.layers.recurrent.base import RNN, RNNArguments
from jkeras.layers.recurrent.cells import GRUCell, LSTMCell, SimpleRNNCell
from jkeras.layers.recurrent.timed import TimedCell


class StandardRNN(RNN):
    """A recurrent layer that holds its cell's weights itself and shows its cell's arguments as attributes."""

    # Of the cell:
    activation: Any
    use_bias: bool
    kernel_initializer: Any
    kernel_regularizer: Any
    kernel_constraint: Any
    recurrent_initializer: Any
    recurrent_regularizer: Any
    recurrent_constraint: Any
    bias_initializer: Any
    bias_regularizer: Any
    bias_constraint: Any
    dropout: float
    recurrent_dropout: float

    def __init__(
        self,
        cell: TimedCell,
        activity_regularizer: RegularizerLike,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        **kwargs: Unpack[RNNArguments],
    ):
        super().__init__(cell, return_sequences, return_state, go_backwards, stateful, unroll, **kwargs)
        cell.dtype = self.dtype
        self.activity_regularizer = regularizers.get(activity_regularizer)

    def children(self) -> dict[str, Any]:
        """The layers inside, by attribute."""
        return {}

    def adopt(self, params: dict[str, Any], state: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        """Put drawn weights into variables, which the cell shows too."""
        super().adopt(params, state, *args, **kwargs)
        self.cell.__dict__["_own_params"] = self._params
        self.cell.built = True

    @property
    def trainable(self) -> bool:
        """Whether the weights are trained: the layer's word, and the cell's."""
        return self._trainable and self.cell.trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            cell = self.__dict__.get("cell")
            if cell is not None and name in argument_names(type(cell)):
                return getattr(cell, name)
            return super().__getattr__(name)

    @property
    def training_differs(self) -> bool:
        """Whether a call in training computes something else."""
        return self.cell.training_differs

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain values."""
        return {name: value for name, value in super().get_config().items() if name != "cell"}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None):
        """A layer from `get_config()`."""
        return cls(**config)


def known_implementation(implementation: int) -> int:
    """1 or 2; Keras 2.2.4 no longer has implementation 0, warns and means 1."""
    if implementation != 0:
        return implementation
    warnings.warn("`implementation=0` is deprecated and means `implementation=1`.", stacklevel=4)
    return 1


class SimpleRNNArguments(RNNArguments, total=False):
    implementation: int | None


class SimpleRNN(StandardRNN):
    """A fully connected recurrent layer whose output is fed back.

    h[t] = activation(x[t] K + b + h[t-1] U).

    Args:
        units: size of the output.
        activation: of the output.
        use_bias: whether there is a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: how K, U and b start.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties on them.
        activity_regularizer: penalty on the output.
        kernel_constraint, recurrent_constraint, bias_constraint: rules for them.
        dropout: fraction of the inputs dropped in training, the same ones in every time step.
        recurrent_dropout: fraction of the states dropped, likewise.
        return_sequences, return_state, go_backwards, stateful, unroll: see `RNN`.

    Input shape: `(batch, time, features)`.
    Output shape: `(batch, units)`, or `(batch, time, units)` with `return_sequences`.

    Raises:
        ValueError: an unknown activation, initializer, regularizer or constraint; an input of another rank;
            `stateful` without a batch size.

    Keras 2.2.4: keras/layers/recurrent.py SimpleRNN

    Example:
        >>> import numpy as np
        >>> SimpleRNN(4, return_sequences=True)(np.ones((2, 3, 5))).shape
        (2, 3, 4)
    """

    units: int

    @legacy("recurrent")
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
        activity_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        recurrent_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        **kwargs: Unpack[SimpleRNNArguments],
    ):
        if kwargs.pop("implementation", None) is not None:
            warnings.warn("SimpleRNN has no `implementation` argument any more: remove it.", stacklevel=3)
        others: RNNArguments = kwargs
        cell = SimpleRNNCell(
            units, activation, use_bias, dropout=dropout, recurrent_dropout=recurrent_dropout
        )
        cell._set_kernel(kernel_initializer, kernel_regularizer, kernel_constraint)
        cell._set_recurrent(recurrent_initializer, recurrent_regularizer, recurrent_constraint)
        cell._set_bias(bias_initializer, bias_regularizer, bias_constraint)
        super().__init__(
            cell,
            activity_regularizer,
            return_sequences,
            return_state,
            go_backwards,
            stateful,
            unroll,
            **others,
        )


class GRU(StandardRNN):
    """Gated recurrent units (Cho et al., 2014).

    z, r = recurrent_activation(x K + b + h U); h' = z h + (1 - z) activation(x K + b + (r h) U),
    or with `reset_after` (as in cuDNN): activation(x K + b + r (h U + b')).

    Args:
        units: size of the output.
        activation: of the candidate.
        recurrent_activation: of the gates.
        use_bias: whether there is a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: how K, U and b start.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties on them.
        activity_regularizer: penalty on the output.
        kernel_constraint, recurrent_constraint, bias_constraint: rules for them.
        dropout: fraction of the inputs dropped in training, the same ones in every time step.
        recurrent_dropout: fraction of the states dropped, likewise.
        implementation: 1: a dropout mask for each gate; 2: one for all gates.
        return_sequences, return_state, go_backwards, stateful, unroll: see `RNN`.
        reset_after: whether the reset gate acts after the product.

    Input shape: `(batch, time, features)`.
    Output shape: `(batch, units)`, or `(batch, time, units)` with `return_sequences`.

    Raises:
        ValueError: an unknown activation, initializer, regularizer or constraint; an input of another rank;
            `stateful` without a batch size.

    Keras 2.2.4: keras/layers/recurrent.py GRU

    Example:
        >>> import numpy as np
        >>> GRU(4, return_sequences=True)(np.ones((2, 3, 5))).shape
        (2, 3, 4)
    """

    units: int
    recurrent_activation: Any
    implementation: int
    reset_after: bool

    @legacy("recurrent")
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
        activity_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        recurrent_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        implementation: int = 1,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        reset_after: bool = False,
        **kwargs: Unpack[RNNArguments],
    ):
        cell = GRUCell(
            units,
            activation,
            recurrent_activation,
            use_bias,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            implementation=known_implementation(implementation),
            reset_after=reset_after,
        )
        cell._set_kernel(kernel_initializer, kernel_regularizer, kernel_constraint)
        cell._set_recurrent(recurrent_initializer, recurrent_regularizer, recurrent_constraint)
        cell._set_bias(bias_initializer, bias_regularizer, bias_constraint)
        super().__init__(
            cell,
            activity_regularizer,
            return_sequences,
            return_state,
            go_backwards,
            stateful,
            unroll,
            **kwargs,
        )


class LSTM(StandardRNN):
    """Long short-term memory (Hochreiter and Schmidhuber, 1997).

    i, f, g, o = blocks of (x K + b + h U);
    c' = gate(f) c + gate(i) activation(g); h' = gate(o) activation(c').

    Args:
        units: size of the output.
        activation: of the candidate and of the output.
        recurrent_activation: of the gates.
        use_bias: whether there is a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: how K, U and b start.
        unit_forget_bias: whether the bias of the forget gate starts at 1.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties on them.
        activity_regularizer: penalty on the output.
        kernel_constraint, recurrent_constraint, bias_constraint: rules for them.
        dropout: fraction of the inputs dropped in training, the same ones in every time step.
        recurrent_dropout: fraction of the states dropped, likewise.
        implementation: 1: a dropout mask for each gate; 2: one for all gates.
        return_sequences, return_state, go_backwards, stateful, unroll: see `RNN`.

    Input shape: `(batch, time, features)`.
    Output shape: `(batch, units)`, or `(batch, time, units)` with `return_sequences`; with `return_state` a
        list of the output, h and c.

    Raises:
        ValueError: an unknown activation, initializer, regularizer or constraint; an input of another rank;
            `stateful` without a batch size.

    Keras 2.2.4: keras/layers/recurrent.py LSTM

    Example:
        >>> import numpy as np
        >>> [y.shape for y in LSTM(4, return_sequences=True, return_state=True)(np.ones((2, 3, 5)))]
        [(2, 3, 4), (2, 4), (2, 4)]
    """

    units: int
    recurrent_activation: Any
    implementation: int
    unit_forget_bias: bool

    @legacy("recurrent")
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
        activity_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        recurrent_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        implementation: int = 1,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        **kwargs: Unpack[RNNArguments],
    ):
        cell = LSTMCell(
            units,
            activation,
            recurrent_activation,
            use_bias,
            unit_forget_bias=unit_forget_bias,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            implementation=known_implementation(implementation),
        )
        cell._set_kernel(kernel_initializer, kernel_regularizer, kernel_constraint)
        cell._set_recurrent(recurrent_initializer, recurrent_regularizer, recurrent_constraint)
        cell._set_bias(bias_initializer, bias_regularizer, bias_constraint)
        super().__init__(
            cell,
            activity_regularizer,
            return_sequences,
            return_state,
            go_backwards,
            stateful,
            unroll,
            **kwargs,
        )

"""The standard cells: SimpleRNNCell, GRUCell, LSTMCell. One time step each, and the fast way over a whole sequence."""

from __future__ import annotations

import warnings
from typing import Any

import jax.numpy as jnp
import numpy as np

from jkeras import activations, initializers
from jkeras.core.types import INFERENCE, Ctx, Out, Pair
from jkeras.engine.base_layer import Layer, draw
from jkeras.engine.variable import current_frame
from jkeras.initializers import Initializer
from jkeras.layers._common import begin
from jkeras.ops import recurrent as ops

# What acts on every number by itself: its slope is all that a derivative needs.
ELEMENTWISE = frozenset(
    (
        activations.tanh,
        activations.sigmoid,
        activations.hard_sigmoid,
        activations.relu,
        activations.linear,
        activations.elu,
        activations.selu,
        activations.softplus,
        activations.softsign,
        activations.exponential,
    )
)


class StandardCell(Layer):
    """What the standard cells share: arguments, weights, dropout masks, the input's projection.

    A subclass says `gates` (how many blocks of `units` columns its kernels have), `states` (how many states), and
    which `ops.Cell` it is.
    """

    gates = 1
    states = 1
    implementation = 2
    unit_forget_bias = False
    units: int
    use_bias: bool
    dropout: float
    recurrent_dropout: float

    def _setup(self, arguments: dict) -> None:
        begin(self, arguments)
        self.dropout = min(1.0, max(0.0, self.dropout))
        self.recurrent_dropout = min(1.0, max(0.0, self.recurrent_dropout))

    @property
    def training_differs(self) -> bool:
        return self.dropout + self.recurrent_dropout > 0

    @property
    def state_size(self) -> int | tuple[int, ...]:
        """Size of the state, or a tuple of sizes for several states."""
        return self.units if self.states == 1 else (self.units,) * self.states

    @property
    def output_size(self) -> int:
        """Size of the output."""
        return self.units

    def kernels(self) -> ops.Cell:
        """The formula of one time step."""
        raise TypeError(f"{type(self).__name__} has no formula.")

    def functions(self):
        """(activation, recurrent activation), elementwise or not."""
        return self.activation, getattr(self, "recurrent_activation", activations.sigmoid)

    def bias_shape(self) -> tuple[int, ...]:
        return (self.gates * self.units,)

    def pair(self) -> Pair:
        size, states, use_bias, shape = self.gates * self.units, self.states, self.use_bias, self.bias_shape()
        over_time = self.over_time()

        def init(rng, in_shape):
            width = (in_shape[0] if isinstance(in_shape, list) else in_shape)[-1]
            layer = _ForgetBias(self) if self.unit_forget_bias else self
            weights = {"kernel": (width, size), "recurrent_kernel": (self.units, size), "bias": use_bias and shape}
            return draw(rng, layer, **weights), {}

        def apply(params, state, x, ctx: Ctx = INFERENCE, **kwargs):
            x, given = (x[0], x[1:]) if isinstance(x, (list, tuple)) else (x, kwargs.get("states"))
            if not given or len(given) != states:
                raise ValueError(f"A time step takes the input and {states} states; got {len(given or ())} states.")
            _, ys, new = over_time(params, x[None], list(given), None, ctx, ops.Way())
            return Out((ys[0], new) if "states" in kwargs else [ys[0], *new])

        return Pair(init, apply)

    def over_time(self):
        """The cell over a whole sequence.

        Returns:
            `run(params, x, states, mask, ctx, way) -> (last, outputs, states)`, time-major as in `ops.recurrent`.
        """
        cell, (activation, gate), prepare = self.kernels(), self.functions(), self.preparation()
        elementwise = activation in ELEMENTWISE and gate in ELEMENTWISE

        def run(params, x, states, mask, ctx: Ctx, way: ops.Way):
            z, weights, drop = prepare(params, x, ctx)
            if elementwise and (mask is None or not way.unroll):
                return ops.run(ops.Plan(cell, activation, gate, way), z, weights, states, drop, mask)
            return ops.loop(ops.stepper(cell, activation, gate, weights, drop), z, states, mask, way)

        return run

    def preparation(self):
        """`prepare(params, x, ctx) -> (projection of x, recurrent weights, recurrent dropout factors)`."""
        gates = 1 if self.implementation == 2 else self.gates
        units, rate, recurrent_rate, split = self.units, self.dropout, self.recurrent_dropout, self.splitter()

        def prepare(params, x, ctx: Ctx):
            x = x if jnp.issubdtype(x.dtype, jnp.floating) else x.astype(params["kernel"].dtype)
            drop = _factors(ctx, rate, gates, x.shape[1], x.shape[-1], x.dtype, salt=1)
            if drop is not None and gates == 1:
                x, drop = x * drop[0], None
            z = ops.project(x, params["kernel"], drop)
            bias, weights = split(params)
            z = z if bias is None else z + bias
            return z, weights, _factors(ctx, recurrent_rate, gates, x.shape[1], units, z.dtype, salt=2)

        return prepare

    def splitter(self):
        """`split(params) -> (bias of the input's projection or None, weights of the recurrent step)`."""
        return _split

    def call(self, inputs, states=None, training=None):
        """One time step: `(output, new states)`, as a cell of your own would call it from its `call`."""
        frame = current_frame()
        ctx = frame.ctx if frame is not None else Ctx(training=bool(training))
        if training is not None:
            ctx = ctx.replace(training=bool(training))
        params = {name: getattr(self, name) for name in self._params}
        if frame is None:
            params = {name: variable.value for name, variable in self._params.items()}
        return self.pair().apply(params, {}, inputs, ctx, states=list(states or ())).y


class _ForgetBias:
    """Stands for a layer while its weights are drawn: the bias of the forget gate, the second block, starts at 1."""

    def __init__(self, layer, blocks: int = 4, forget: int = 1):
        self.layer = layer
        self.bias_initializer = _Blocks(layer.bias_initializer, blocks, forget)

    def __getattr__(self, name: str):
        return getattr(self.layer, name)


class _Blocks(Initializer):
    """A vector of equal blocks, of which one is all ones and the others follow another initializer."""

    def __init__(self, rest, blocks: int, ones: int):
        self.rest, self.blocks, self.ones = rest, blocks, ones

    def draw(self, key, shape, dtype):
        size = shape[0] // self.blocks
        value = initializers.draw(self.rest, key, ((self.blocks - 1) * size,), dtype)
        return jnp.insert(value, np.full(size, self.ones * size), jnp.ones(size, value.dtype))


def _factors(ctx: Ctx, rate: float, gates: int, batch, size, dtype, salt: int):
    """Dropout factors `(gates, batch, size)` for a whole sequence; None where nothing is dropped.

    A rate of 1 drops nothing, as in Keras.
    """
    if not (ctx.training and 0 < rate < 1):
        return None
    keep = ctx.uniform((batch, gates, size), salt=salt) >= rate
    return jnp.swapaxes(jnp.where(keep, 1 / (1 - rate), 0.0), 0, 1).astype(dtype)


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

    Keras 2.2.4: keras/layers/recurrent.py SimpleRNNCell

    Example:
        >>> import jax
        >>> init, apply = SimpleRNNCell(3).pure()
        >>> params, state = init(jax.random.key(0), (None, 2))
        >>> [y.shape for y in apply(params, state, [jnp.ones((4, 2)), jnp.zeros((4, 3))]).y]
        [(4, 3), (4, 3)]
    """

    def __init__(
        self,
        units,
        activation="tanh",
        use_bias=True,
        kernel_initializer="glorot_uniform",
        recurrent_initializer="orthogonal",
        bias_initializer="zeros",
        kernel_regularizer=None,
        recurrent_regularizer=None,
        bias_regularizer=None,
        kernel_constraint=None,
        recurrent_constraint=None,
        bias_constraint=None,
        dropout=0.0,
        recurrent_dropout=0.0,
        **kwargs,
    ):
        self._setup(locals())

    def kernels(self) -> ops.Cell:
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

    Keras 2.2.4: keras/layers/recurrent.py GRUCell

    Example:
        >>> GRUCell(3, reset_after=True).bias_shape()
        (2, 9)
    """

    gates = 3

    def __init__(
        self,
        units,
        activation="tanh",
        recurrent_activation="hard_sigmoid",
        use_bias=True,
        kernel_initializer="glorot_uniform",
        recurrent_initializer="orthogonal",
        bias_initializer="zeros",
        kernel_regularizer=None,
        recurrent_regularizer=None,
        bias_regularizer=None,
        kernel_constraint=None,
        recurrent_constraint=None,
        bias_constraint=None,
        dropout=0.0,
        recurrent_dropout=0.0,
        implementation=1,
        reset_after=False,
        **kwargs,
    ):
        self._setup(locals())

    def kernels(self) -> ops.Cell:
        return ops.GRU_AFTER if self.reset_after else ops.GRU

    def bias_shape(self) -> tuple[int, ...]:
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    def splitter(self):
        return _split_gru_after if self.reset_after else _split_gru


def _split(params) -> tuple[Any, dict]:
    return params.get("bias"), {"recurrent_kernel": params["recurrent_kernel"]}


def _split_gru(params) -> tuple[Any, dict]:
    kernel = params["recurrent_kernel"]
    units = kernel.shape[0]
    return params.get("bias"), {"gates": kernel[:, : 2 * units], "candidate": kernel[:, 2 * units :]}


def _split_gru_after(params) -> tuple[Any, dict]:
    weights = {"recurrent_kernel": params["recurrent_kernel"]}
    if "bias" not in params:
        return None, weights
    return params["bias"][0], weights | {"recurrent_bias": params["bias"][1]}


class LSTMCell(StandardCell):
    """One time step of a long short-term memory (Hochreiter and Schmidhuber, 1997).

    i, f, g, o = blocks of (x K + b + h U); c' = gate(f) c + gate(i) activation(g); h' = gate(o) activation(c').

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

    Keras 2.2.4: keras/layers/recurrent.py LSTMCell

    Example:
        >>> LSTMCell(3).state_size
        (3, 3)
    """

    gates, states = 4, 2

    def __init__(
        self,
        units,
        activation="tanh",
        recurrent_activation="hard_sigmoid",
        use_bias=True,
        kernel_initializer="glorot_uniform",
        recurrent_initializer="orthogonal",
        bias_initializer="zeros",
        unit_forget_bias=True,
        kernel_regularizer=None,
        recurrent_regularizer=None,
        bias_regularizer=None,
        kernel_constraint=None,
        recurrent_constraint=None,
        bias_constraint=None,
        dropout=0.0,
        recurrent_dropout=0.0,
        implementation=1,
        **kwargs,
    ):
        self._setup(locals())

    def kernels(self) -> ops.Cell:
        return ops.LSTM



"""Common parts of cells: one time step and the fast way over a whole sequence, weights, dropout factors."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.typing import DTypeLike

from jkeras import activations, constraints, initializers, regularizers
from jkeras.core.arguments import ConstraintLike, InitializerLike, RegularizerLike, refuse_text
from jkeras.core.types import (
    INFERENCE,
    Array,
    Ctx,
    Function,
    Key,
    Out,
    Pair,
    Params,
    Shape,
    State,
    Tree,
    Weights,
    is_traced,
)
from jkeras.engine.base_layer import draw
from jkeras.engine.tensors.variable import current_frame
from jkeras.initializers import Initializer
from jkeras.layers._common import drops, rate_in_use
from jkeras.layers._kernel_and_bias import KernelAndBias
from jkeras.primitives import recurrent as ops
from jkeras.primitives.numeric import widened

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


class TimedCell(KernelAndBias):
    """A cell that knows a fast way over a whole sequence.

    A subclass defines `drawing` and `over_time`; a single time step is a sequence of length 1.
    """

    states = 1
    unit_forget_bias = False
    forget_block = (4, 1)  # the bias has 4 blocks, and the second one is the forget gate's
    dropout: Any  # numbers, in the range of a probability
    recurrent_dropout: Any

    def _set_recurrent(
        self, initializer: InitializerLike, regularizer: RegularizerLike, constraint: ConstraintLike
    ) -> None:
        self.recurrent_initializer = initializers.get(initializer)
        self.recurrent_regularizer = regularizers.get(regularizer)
        self.recurrent_constraint = constraints.get(constraint)

    def _set_dropout(self, dropout: float, recurrent_dropout: float) -> None:
        refuse_text(dropout=dropout, recurrent_dropout=recurrent_dropout)
        self.dropout = min(1.0, max(0.0, dropout))
        self.recurrent_dropout = min(1.0, max(0.0, recurrent_dropout))

    @property
    def state_size(self) -> int | tuple[int, ...]:
        """Size of the state, or a tuple of sizes for several states."""
        raise TypeError(f"{type(self).__name__} must define state_size.")

    @property
    def training_differs(self) -> bool:
        """Whether a call in training computes something else."""
        return any(is_traced(rate) or rate > 0 for rate in (self.dropout, self.recurrent_dropout))

    def over_time(self) -> Function:
        """The cell over a whole sequence.

        Returns:
            `run(params, x, states, mask, ctx, way) -> (last, outputs, states)`, time-major as in
            `primitives.recurrent`.
        """
        raise TypeError(f"{type(self).__name__} must define over_time.")

    def drawing(self) -> Function:
        """`shapes(step_shape) -> {weight name: shape}`."""
        raise TypeError(f"{type(self).__name__} must define drawing.")

    def formula(self) -> Pair:
        """A step of the cell, of what was computed for all steps."""
        states, over_time, shapes = self.states, self.over_time(), self.drawing()

        def init(rng: Key, in_shape: Shape) -> Weights:
            step_shape = in_shape[0] if isinstance(in_shape, list) else in_shape
            bias = Blocks(self.bias_initializer, *self.forget_block) if self.unit_forget_bias else None
            return draw(rng, self, {"bias": bias}, **shapes(step_shape)), {}

        def apply(params: Params, state: State, x: Array, ctx: Ctx = INFERENCE, **kwargs: Any) -> Out:
            x, given = (x[0], x[1:]) if isinstance(x, (list, tuple)) else (x, kwargs.get("states"))
            if not given or len(given) != states:
                raise ValueError(f"a time step takes the input and {states} states; got {len(given or ())}")
            _, ys, new = over_time(params, x[None], list(given), None, ctx, ops.Way())
            return Out((ys[0], new) if "states" in kwargs else [ys[0], *new])

        return Pair(init, apply)

    def call(self, inputs: Tree, states: list[Array], training: bool | None = None):
        """One time step: `(output, new states)`, as a cell of your own would call it from its `call`."""
        frame = current_frame()
        ctx = frame.ctx if frame is not None else Ctx(training=bool(training))
        if training is not None:
            ctx = ctx.replace(training=bool(training))
        params = {name: getattr(self, name) for name in self._params}
        if frame is None:
            params = {name: variable.value for name, variable in self._params.items()}
        step: Callable[..., Out] = self.formula().apply
        return step(params, {}, inputs, ctx, states=list(states)).y


class StandardCell(TimedCell):
    """A base of SimpleRNNCell, GRUCell and LSTMCell.

    A subclass says `gates` (how many blocks of `units` columns its kernels have), `states` (how many states),
    and which `ops.Cell` it is.
    """

    gates = 1
    implementation = 2
    units: int

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
        """The shape of the bias."""
        return (self.gates * self.units,)

    def drawing(self) -> Function:
        """The way in which the weights are drawn."""
        units, size, bias = self.units, self.gates * self.units, self.use_bias and self.bias_shape()

        def shapes(step_shape: Shape):
            return {"kernel": (step_shape[-1], size), "recurrent_kernel": (units, size), "bias": bias}

        return shapes

    def over_time(self) -> Function:
        """The part that can be computed of all steps at once."""
        cell, (activation, gate), prepare = self.kernels(), self.functions(), self.preparation()
        elementwise = activation in ELEMENTWISE and gate in ELEMENTWISE

        def run(params: Params, x: Array, states: list[Array], mask: Tree, ctx: Ctx, way: ops.Way):
            z, weights, drop = prepare(params, x, ctx)
            if elementwise and (mask is None or not way.unroll):
                return ops.run(ops.Plan(cell, activation, gate, way), z, weights, states, drop, mask)
            return ops.loop(ops.stepper(cell, activation, gate, weights, drop), z, states, mask, way)

        return run

    def preparation(self) -> Function:
        """`prepare(params, x, ctx) -> (projection of x, recurrent weights, recurrent dropout factors)`."""
        gates = 1 if self.implementation == 2 else self.gates
        units, rate, recurrent_rate, split = self.units, self.dropout, self.recurrent_dropout, self.splitter()

        def prepare(params: Params, x: Array, ctx: Ctx):
            x = x if jnp.issubdtype(x.dtype, jnp.floating) else x.astype(params["kernel"].dtype)
            drop = dropout_factors(ctx, rate, gates, x.shape[1:], x.dtype, salt=1)
            if drop is not None and gates == 1:
                x, drop = x * drop[0][None], None
            z = ops.project(x, params["kernel"], drop)
            bias, weights = split(params)
            z = z if bias is None else z + widened(bias, z)
            kept = dropout_factors(ctx, recurrent_rate, gates, (x.shape[1], units), z.dtype, salt=2)
            return z, weights, kept

        return prepare

    def splitter(self) -> Function:
        """`split(params) -> (bias of the input's projection or None, weights of the recurrent step)`."""
        return split_plain


def split_plain(params: Params) -> tuple[Any, dict[str, Any]]:
    return params.get("bias"), {"recurrent_kernel": params["recurrent_kernel"]}


class Blocks(Initializer):
    """Equal blocks, of which one is all ones (the bias of the forget gate), the others by an initializer."""

    def __init__(self, rest: Any, blocks: int, ones: int):
        self.rest, self.blocks, self.ones = rest, blocks, ones

    def draw(self, key: Key | None, shape: Sequence[int], dtype: DTypeLike | None = None) -> Any:
        size = shape[0] // self.blocks
        value = initializers.draw(self.rest, key, ((self.blocks - 1) * size,), dtype)
        lib: Any = jnp if isinstance(value, Tracer) else np  # numpy: no size costs a compilation
        before, after = lib.split(lib.asarray(value), [self.ones * size])
        return jax.device_put(lib.concatenate([before, lib.ones(size, value.dtype), after]))


def dropout_factors(ctx: Ctx, rate: float, gates: int, shape: tuple[int, ...], dtype: DTypeLike, salt: int):
    """Dropout factors `(gates, *shape)` for a whole sequence, batch first in `shape`.

    None where nothing is dropped; a rate of 1 drops nothing, as in Keras.
    """
    if not (ctx.training and drops(rate)):
        return None
    rate = rate_in_use(rate)
    keep = ctx.uniform((shape[0], gates, *shape[1:]), salt=salt) >= rate
    return jnp.swapaxes(jnp.where(keep, 1 / (1 - rate), 0.0), 0, 1).astype(dtype)

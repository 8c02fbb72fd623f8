"""RNN: a cell carried over time. States, masks, constants and statefulness for every recurrent layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

import jax
import jax.numpy as jnp
import numpy as np

from jkeras.core import settings
from jkeras.core.arguments import Cell, LayerArguments
from jkeras.core.dispatch import is_symbolic, op
from jkeras.core.types import (
    INFERENCE,
    AnyList,
    AnyTuple,
    Array,
    Ctx,
    Key,
    Out,
    Pair,
    Params,
    Shape,
    Shapes,
    State,
    Tree,
    Weights,
)
from jkeras.engine.base_layer import Layer
from jkeras.engine.call.adapter import overrides
from jkeras.engine.call.checks import InputSpec
from jkeras.engine.layer.nodes import Inputs
from jkeras.engine.tensors.frame import Frame
from jkeras.engine.tree import by_variable
from jkeras.layers.recurrent.stacked import StackedRNNCells, as_layer, is_standard, sizes_of, step_of
from jkeras.layers.serialization import deserialize
from jkeras.primitives import recurrent as ops
from jkeras.primitives.numeric import rows_as


class RNNArguments(LayerArguments, total=False):
    num_constants: int | None


class RNN(Layer):
    """A recurrent layer over any cell.

    For each time step t: y[t], states = cell(x[t], states).

    Args:
        cell: a cell, or a list of cells to be stacked. A cell has `state_size` (an int, or a tuple of ints
            for several states) and `call(inputs, states)` → `(output, new states)`; `call` may also take
            `training` and `constants`. It may be a `Layer` with weights. `output_size` is read where the
            output has another size than the first state.
        return_sequences: the outputs of all time steps instead of the last one.
        return_state: also the states after the last time step: `[output, *states]`.
        go_backwards: from the last time step to the first; the outputs come in this order too.
        stateful: the states after a batch are where sample i of the next batch starts.
        unroll: one copy of the cell for each time step instead of a loop; the length must be known.

    Input shape: `(batch, time, features)`; or a list of it and the initial states `(batch, size)`.
    Output shape: `(batch, units)`, or `(batch, time, units)` with `return_sequences`.

    Call arguments: `initial_state` (a tensor or array, or a list of them), `constants` (a list; the cell's
    `call` gets it in every time step). Both become further inputs of the layer, as in Keras.

    Masks: where the mask is False a sample keeps its states, and its output is its first state (with
    `unroll`: its output of the time step before, at first zeros). A mask goes on if `return_sequences`.

    Raises:
        ValueError: no `call` or `state_size` in the cell; `stateful` without a fixed batch size; `unroll`
            without a fixed length of at least 2; initial states of the wrong number or size.

    Keras 2.2.4: keras/layers/recurrent.py RNN

    Example:
        >>> class Sum:
        ...     state_size = 2
        ...     def call(self, inputs, states):
        ...         total = states[0] + inputs
        ...         return total, [total]
        >>> RNN(Sum())(np.ones((1, 3, 2))).tolist()
        [[3.0, 3.0]]
    """

    supports_masking = True
    rank = 3
    cell: Any

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
        if isinstance(cell, (AnyList, AnyTuple)):
            cell = StackedRNNCells(list(cell))
        for needed in ("call", "state_size"):
            if not hasattr(cell, needed):
                kind = "method" if needed == "call" else "attribute"
                raise ValueError(f"`cell` needs a `{needed}` {kind}; RNN was given {cell!r}.")
        constants = kwargs.pop("num_constants", None)
        others: LayerArguments = kwargs
        super().__init__(**others)
        self.cell, self.part = cell, as_layer(cell)
        self.return_sequences, self.return_state = return_sequences, return_state
        self.go_backwards, self.stateful, self.unroll = go_backwards, stateful, unroll
        self.rowwise = type(self).rowwise and not stateful and getattr(cell, "rowwise", False)
        self._num_constants = constants

    def children(self) -> dict[str, Layer]:
        """The layers inside, by attribute."""
        return {"cell": self.part}

    # --- meaning --------------------------------------------------------------------------------------------

    def formula(self) -> Pair:
        """The cell over all steps."""
        init_cell, run = self.cell_over_time()
        stateful, unrolled, count = self.stateful, self.unroll, len(self.state_sizes())
        split, first_states, finish = self.splitter(), self.first_states(), self.finisher()
        way = ops.Way(self.go_backwards, self.unroll, self.return_sequences)

        def init(rng: Key, in_shape: Shapes) -> Weights:
            x, _, constants = split(in_shape if isinstance(in_shape, AnyList) else [in_shape])
            self.check_rank(x)
            if unrolled and x[1] in (None, 1):
                raise ValueError(
                    "unroll=True needs a known number of time steps, and more than one: give `input_shape` "
                    "(for an Embedding: `input_length`), or use unroll=False"
                )
            step = (x[0], *x[2:])
            params, state = init_cell(rng, [step, *constants] if constants else step)
            if stateful:
                zeros = [jnp.zeros(shape, settings.floatx()) for shape in self.state_shapes(x)]
                state = state | {f"_states_{i}": value for i, value in enumerate(zeros)}
            return params, state

        def apply(params: Params, state: State, x: Tree, ctx: Ctx = INFERENCE) -> Out:
            x, given, constants = split(list(x) if isinstance(x, (AnyList, AnyTuple)) else [x])
            if isinstance(x.shape[1], int) and x.shape[1] == 0:
                raise ValueError("a sequence needs at least one time step")
            mask = ctx.mask[0] if isinstance(ctx.mask, (AnyList, AnyTuple)) else ctx.mask
            kept: list[Array] | None = [state[f"_states_{i}"] for i in range(count)] if stateful else None
            first = first_states(params, x)
            given = [_for_all(s, f.shape) for s, f in zip(given, first, strict=False)] + given[len(first) :]
            states = given or kept or first
            _check_states(states, first, kept)
            keep = _time_major_mask(mask, x)
            last, ys, states = run(params, state, jnp.swapaxes(x, 0, 1), states, keep, ctx, way, constants)
            return finish(last, ys, states, mask)

        return Pair(init, apply)

    def cell_over_time(self):
        """`init(rng, in_shape) -> (params, state)` and `run(params, state, x, states, ...)` of the cell.

        Standard cells go their fast way; a stack of them too, unless a mask needs the states of single steps.
        """
        cell, nested, takes = self.cell, bool(self.children()), self._num_constants
        step = step_of(self.part)
        fast = cell.over_time() if is_standard(cell) or isinstance(cell, StackedRNNCells) else None
        fast_masked = is_standard(cell)

        def inner(tree: Tree) -> Tree:
            return tree.get("cell", {}) if nested else tree

        def outer(tree: Tree) -> Tree:
            return {"cell": tree} if nested and tree else tree

        def init(rng: Key, in_shape: Shapes) -> Weights:
            if takes and not step.takes_constants:
                raise ValueError(f"the cell {cell!r} takes no constants: its `call` has no such argument")
            params, state = step.init(rng, in_shape)
            return outer(params), outer(state)

        def run(
            params: Params,
            state: State,
            x: Array,
            states: list[Array],
            mask: Tree,
            ctx: Ctx,
            way: ops.Way,
            constants: Tree,
        ):
            params, state, ctx = inner(params), inner(state), ctx.at("cell")
            if fast is not None and (mask is None or fast_masked):
                return fast(params, x, states, mask, ctx, way)

            def one(x: Array, states: list[Array]):
                return step.apply(params, state, x, states, ctx, constants)

            return ops.loop(one, x, states, mask, way)

        return init, run

    def splitter(self):
        """`split([x, *initial states, *constants]) -> (x, states, constants)`."""
        count = self._num_constants or 0

        def split(inputs: list[Any]):
            end = len(inputs) - count
            return inputs[0], list(inputs[1:end]), list(inputs[end:])

        return split

    def finisher(self):
        """`finish(last, outputs, states, mask) -> Out`, batch-major again."""
        sequences, with_states, backwards = self.return_sequences, self.return_state, self.go_backwards
        stateful = self.stateful

        def finish(last: Array, ys: Any, states: list[Array], mask: Tree):
            y, changed = last, {f"_states_{i}": s for i, s in enumerate(states)} if stateful else {}
            if sequences:
                y = jnp.swapaxes(ys, 0, 1)
                y = jnp.flip(y, 1) if backwards else y
            out_mask = mask if sequences else None
            if not with_states:
                return Out(y, changed, out_mask)
            return Out([y, *states], changed, None if out_mask is None else [out_mask, *[None] * len(states)])

        return finish

    # --- states ---------------------------------------------------------------------------------------------

    def state_sizes(self) -> list[int]:
        """The size of each state."""
        return sizes_of(self.cell)

    def zero_states(self):
        """`zeros(params, x) -> states` for a batch without a past."""
        sizes = self.state_sizes()

        def zeros(params: Params, x: Array):
            dtype = x.dtype if jnp.issubdtype(x.dtype, jnp.floating) else settings.floatx()
            return [rows_as(jnp.zeros((x.shape[0], size), dtype), x) for size in sizes]

        return zeros

    def get_initial_state(self, inputs: Tree) -> list[Any]:
        """The states that a sequence without a past starts from: zeros, unless a subclass says otherwise.

        Args:
            inputs: the sequences, a tensor or an array.

        Example:
            >>> from jkeras.layers import LSTM
            >>> [state.shape for state in LSTM(5).get_initial_state(np.ones((2, 3, 4)))]
            [(2, 5), (2, 5)]
        """
        zeros = self.zero_states()

        def of(x: Any) -> list[Array]:
            return zeros({}, jnp.asarray(x))

        return list(op(of)(inputs[0] if isinstance(inputs, (AnyList, AnyTuple)) else inputs))

    def first_states(self):
        """`states(params, x)` for a batch without a past."""
        if not overrides(self, "get_initial_state"):
            return self.zero_states()

        def states(params: Params, x: Array):
            with Frame(by_variable(self, params, {}, {})):
                return list(self.get_initial_state(x))

        return states

    def state_shapes(self, shape: Shape) -> list[tuple[Any, ...]]:
        """The shapes of the kept states for an input of this shape.

        Raises:
            ValueError: the batch size is not known.
        """
        if shape[0] is None:
            raise ValueError(
                f"Layer {self.name!r} ({type(self).__name__}) is stateful, so it must know its batch size: "
                "give `batch_input_shape` to the first layer of a Sequential, or `batch_shape` to Input."
            )
        return [(shape[0], size) for size in self.state_sizes()]

    def check_rank(self, shape: Shape) -> None:
        """Refuse an input of another rank than the layer's."""
        complaint = InputSpec(ndim=self.rank).complaint(shape)
        if complaint:
            raise ValueError(
                f"Input 0 is incompatible with layer {self.name!r} ({type(self).__name__}): {complaint}. "
                f"Full shape received: {tuple(shape)}. A recurrent layer reads (samples, steps, features); "
                "one before it gives all its steps with return_sequences=True."
            )

    @property
    def states(self) -> list[Any]:
        """The variables that keep the states of a stateful layer; None for each state otherwise."""
        return [self._state.get(f"_states_{i}") for i in range(len(self.state_sizes()))]

    def reset_states(self, states: Any = None) -> None:
        """Set the kept states.

        Args:
            states: an array, or a list with one for each state; default: zeros.

        Raises:
            AttributeError: the layer is not stateful.
            ValueError: it is not built yet, or number or shapes are wrong.
        """
        if not self.stateful:
            raise AttributeError(f"Layer {self.name!r} must be stateful to have states that can be reset.")
        cells = self.states
        if any(cell is None for cell in cells):
            raise ValueError(
                f"Layer {self.name!r} has no states yet: call it on data, or give it a batch_input_shape."
            )
        if states is None:
            states = [np.zeros(cell.shape) for cell in cells]
        states = list(states) if isinstance(states, (AnyList, AnyTuple)) else [states]
        if len(states) != len(cells):
            raise ValueError(f"Layer {self.name!r} has {len(cells)} states; reset_states got {len(states)}.")
        for i, (cell, value) in enumerate(zip(cells, states, strict=True)):
            if np.shape(value) != cell.shape:
                raise ValueError(
                    f"State {i} of layer {self.name!r} has shape {cell.shape}, but reset_states got "
                    f"{np.shape(value)}."
                )
        for cell, value in zip(cells, states, strict=True):
            cell.assign(value)

    # --- calls and config -----------------------------------------------------------------------------------

    def __call__(self, inputs: Inputs, initial_state: Tree = None, constants: Tree = None, **kwargs: Any):
        """Call the layer; `initial_state` and `constants` become further inputs."""
        if constants is not None:
            self._num_constants = len(_as_list(constants))
        return super().__call__(merge_inputs(inputs, initial_state, constants), **kwargs)

    def call(
        self,
        inputs: Tree,
        mask: Tree = None,
        training: bool | None = None,
        initial_state: Tree = None,
        constants: Tree = None,
    ):
        """The layer's own computation, for a subclass that extends it by `super().call(inputs, ...)`."""
        if isinstance(inputs, (AnyList, AnyTuple)):  # states and constants are among the inputs already
            return super().call(inputs, mask=mask, training=training)
        if constants is not None:
            self._num_constants = len(_as_list(constants))
        inputs = merge_inputs(inputs, initial_state, constants)
        return super().call(inputs, mask=mask, training=training)

    def compute_mask(self, inputs: Tree, mask: Tree = None) -> Any:
        """The mask of the sequences; none for the last step alone, nor for the states.

        For subclasses that write their own `call`.
        """
        mask = super().compute_mask(inputs, mask)
        mask = mask[0] if isinstance(mask, (AnyList, AnyTuple)) else mask
        mask = mask if self.return_sequences else None
        return [mask, *(None for _ in _as_list(self.cell.state_size))] if self.return_state else mask

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain values."""
        config = super().get_config()
        config["cell"] = {"class_name": type(self.cell).__name__, "config": self.cell.get_config()}
        if self._num_constants is not None:
            config["num_constants"] = self._num_constants
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None):
        """A layer from `get_config()`; `custom_objects` names the classes of your own cells."""
        config = dict(config)
        cell = deserialize(config.pop("cell"), custom_objects)
        return cls(cell, **config)


def merge_inputs(inputs: Tree, initial_state: Tree, constants: Tree):
    """`[x, *initial states, *constants]`, or x alone where there are none."""
    if initial_state is None and constants is None:
        return inputs
    if isinstance(inputs, (AnyList, AnyTuple)):
        raise ValueError("Give initial states either in the list of inputs or as `initial_state`, not both.")
    return [inputs, *map(_tensor, _as_list(initial_state)), *map(_tensor, _as_list(constants))]


def _as_list(x: Any) -> list[Any]:
    if x is None:
        return []
    return list(x) if isinstance(x, (AnyList, AnyTuple)) else [x]


def _tensor(x: Any) -> Any:
    return x if is_symbolic(x) or isinstance(x, jax.Array) else np.asarray(x, settings.floatx())


def _time_major_mask(mask: Tree, x: Array):
    """`(batch, time)` → `(time, batch, 1)` of booleans."""
    if mask is None:
        return None
    if mask.ndim != 2 or x.ndim != 3:
        raise ValueError(
            f"a mask of shape {mask.shape} does not fit an input of shape {x.shape}: recurrent layers take "
            "masks of shape (batch, time) for inputs of shape (batch, time, features)"
        )
    return jnp.swapaxes(mask, 0, 1).astype(bool)[..., None]


def _for_all(state: Array, shape: tuple[int, ...]) -> Array:
    """A state that was given for a batch of one, for all samples."""
    return jnp.broadcast_to(state, shape) if state.shape == (1, *shape[1:]) else state


def _check_states(states: list[Array], expected: list[Array], kept: list[Array] | None) -> None:
    given, wanted = [s.shape for s in states], [s.shape for s in expected]
    if kept is not None and given == [k.shape for k in kept] and given[0][0] != wanted[0][0]:
        raise ValueError(
            f"the layer is stateful for batches of {given[0][0]} samples, but got {wanted[0][0]}: all "
            "batches must have the same size"
        )
    if given != wanted:
        raise ValueError(f"the initial states must have the shapes {wanted}, but they have {given}")

"""One time step of any cell as pure functions, and cells stacked into one."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Unpack, cast

import jax
import jax.numpy as jnp

from jkeras.core import random
from jkeras.core.arguments import Cell, LayerArguments
from jkeras.core.registry import has_arg
from jkeras.core.types import (
    INFERENCE,
    AnyList,
    AnyTuple,
    Array,
    Ctx,
    Function,
    Key,
    Out,
    Pair,
    Params,
    Shapes,
    State,
    Tree,
    Weights,
)
from jkeras.engine.base_layer import Layer
from jkeras.engine.call.added_metrics import adding_nothing
from jkeras.engine.tensors.symbolic import Tensor
from jkeras.engine.tensors.variable import Variable
from jkeras.layers.recurrent.timed import TimedCell
from jkeras.layers.serialization import deserialize, serialize
from jkeras.primitives import recurrent as ops


class PlainCell(Layer):
    """A cell that is no layer, as one: its variables are hidden state, which training leaves as it is.

    Args:
        cell: an object with `call` and `state_size`. A `build` is called where it has made nothing yet.
    """

    def __init__(self, cell: Any):
        super().__init__(name=type(cell).__name__)
        self.cell = cell

    def build(self, input_shape: Shapes) -> None:
        made = (Variable, Tensor, jax.Array)
        wanted = hasattr(self.cell, "build") and not getattr(self.cell, "built", False)
        if wanted and not any(isinstance(value, made) for value in self.cell.__dict__.values()):
            self.cell.build(input_shape)
        super().build(input_shape)

    def call(self, inputs: Tree, states: list[Array], training: bool | None = None, **words: Any):
        """One time step of the cell."""
        words |= {"training": training} if has_arg(self.cell.call, "training") else {}
        return self.cell.call(inputs, states, **words)


def as_layer(cell: Any) -> Layer:
    """The cell itself, or a layer around it."""
    return cell if isinstance(cell, Layer) else PlainCell(cell)


class Step(NamedTuple):
    """A cell as pure functions.

    Args:
        init: `(rng, in_shape) -> (params, state)`; with constants in_shape is `[step shape, *their shapes]`.
        apply: `(params, state, x, states, ctx, constants) -> (y, new states)`.
        takes_constants: whether the cell's `call` has that argument.
    """

    init: Function
    apply: Function
    takes_constants: bool


def step_of(layer: Layer) -> Step:
    """The step of any cell: a built-in one, a user's layer, a `PlainCell`."""
    cell = layer.cell if isinstance(layer, PlainCell) else layer
    takes_constants = has_arg(cell.call, "constants")
    states_name = "states" if isinstance(layer, PlainCell) else _states_name(cell)
    pair = layer.checked_formula(as_cell=True)
    cell_apply = cast("Function", pair.apply)  # a cell takes states too

    def apply(
        params: Params, state: State, x: Array, states: list[Array], ctx: Ctx, constants: Tree
    ) -> tuple[Array, list[Array]]:
        words = {"constants": constants} if takes_constants and constants else {}
        complaint = (
            f"The cell {layer.name!r} calls add_update, add_loss or add_metric; a cell runs inside a loop "
            "over time, where none of them has a meaning. Do it in a layer around the RNN."
        )
        with adding_nothing(complaint):
            out = cell_apply(params, state, x, ctx, **{states_name: states}, **words)
        if out.state or out.metrics or not (isinstance(out.loss, float) and not out.loss):
            raise ValueError(complaint)
        return _checked(cell, out.y)

    return Step(pair.init, apply, takes_constants)


def _states_name(cell: Any) -> str:
    """The cell's name for the second argument of `call`."""
    parameters = inspect.signature(cell.call).parameters.values()
    names = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    if len(names) < 2:
        raise ValueError(f"The `call` of the cell {cell!r} must take (inputs, states); it takes {names}.")
    return names[1]


def _checked(cell: Any, result: Any) -> tuple[Array, list[Array]]:
    if (
        not isinstance(result, (AnyList, AnyTuple))
        or len(result) != 2
        or not isinstance(result[1], (AnyList, AnyTuple))
    ):
        kind = type(result).__name__
        raise ValueError(
            f"The `call` of the cell {cell!r} must return (output, [states]); it returned a {kind}."
        )
    return result[0], list(result[1])


def is_standard(cell: Any) -> bool:
    """Whether the cell knows a fast way over time and nobody has overridden its step."""
    return isinstance(cell, TimedCell) and cell.is_native


def sizes_of(cell: Any) -> list[Any]:
    """The sizes of a cell's states as a list."""
    return list(cell.state_size) if hasattr(cell.state_size, "__len__") else [cell.state_size]


def output_size_of(cell: Any) -> Any:
    """The size of a cell's output: `output_size` where it has one, else that of its first state."""
    size = getattr(cell, "output_size", None)
    return size if size is not None else sizes_of(cell)[0]


class StackArguments(LayerArguments, total=False):
    reverse_state_order: bool


class StackedRNNCells(Layer):
    """Cells one after the other as a single cell.

    Args:
        cells: list of cells; each takes the output of the one before.
        reverse_state_order: the states of the last cell come first (Keras before 2.2.3 had it so; it warns).

    Input shape: `[(batch, features), *states]`.
    Output shape: the last cell's output, then all states.

    Raises:
        ValueError: a cell without `call` or `state_size`.

    Keras 2.2.4: keras/layers/recurrent.py StackedRNNCells

    Example:
        >>> from jkeras.layers.recurrent.cells import GRUCell, LSTMCell
        >>> StackedRNNCells([LSTMCell(2), GRUCell(3)]).state_size
        (2, 2, 3)
    """

    def __init__(self, cells: Sequence[Cell], **kwargs: Unpack[StackArguments]):
        for needed in ("call", "state_size"):
            for cell in cells:
                if not hasattr(cell, needed):
                    raise ValueError(f"All cells need `call` and `state_size`; {cell!r} has no `{needed}`.")
        reverse = kwargs.pop("reverse_state_order", False)
        if reverse:
            warnings.warn(
                "`reverse_state_order=True` in `StackedRNNCells` is deprecated. Update the code to the "
                "natural order of states if it relies on them, as with `RNN(return_state=True)`.",
                stacklevel=2,
            )
        others: LayerArguments = kwargs
        super().__init__(**others)
        self.cells: list[Any] = list(cells)
        self.reverse_state_order = reverse
        self.parts = {f"cell_{i}": as_layer(cell) for i, cell in enumerate(self.cells)}
        self.rowwise = type(self).rowwise and all(getattr(c, "rowwise", False) for c in self.cells)

    def children(self) -> dict[str, Layer]:
        """The layers inside, by attribute."""
        return self.parts

    def _in_state_order(self, items: list[Any]) -> list[Any]:
        return items[::-1] if self.reverse_state_order else items

    @property
    def state_size(self) -> tuple[Any, ...]:
        """Sizes of all states."""
        return tuple(size for cell in self._in_state_order(self.cells) for size in sizes_of(cell))

    @property
    def output_size(self) -> Any:
        """Size of the last cell's output."""
        return output_size_of(self.cells[-1])

    def formula(self) -> Pair:
        """One cell after the other."""
        steps, names = [step_of(part) for part in self.parts.values()], list(self.parts)
        counts, outputs = [len(sizes_of(c)) for c in self.cells], [output_size_of(c) for c in self.cells]
        ordered = self._in_state_order

        def init(rng: Key, in_shape: Shapes) -> Weights:
            shape, *constants = in_shape if isinstance(in_shape, AnyList) else [in_shape]
            params: Params = {}
            state: State = {}
            for i, (name, step, size) in enumerate(zip(names, steps, outputs, strict=True)):
                with_constants = [shape, *constants] if constants and step.takes_constants else shape
                inner, fixed = step.init(random.fold_in(rng, i), with_constants)
                if inner:
                    params[name] = inner
                if fixed:
                    state[name] = fixed
                shape = (shape[0], size)
            return params, state

        def apply(
            params: Params,
            state: State,
            x: Tree,
            ctx: Ctx = INFERENCE,
            states: list[Array] | None = None,
            constants: Tree = (),
        ) -> Out:
            as_list = states is None
            x, *before = x if states is None else (x, *states)
            given = dict(zip(ordered(names), _portions(before, ordered(counts)), strict=True))
            for name, step in zip(names, steps, strict=True):
                inner, fixed = params.get(name, {}), state.get(name, {})
                x, given[name] = step.apply(inner, fixed, x, given[name], ctx.at(name), constants)
            new = [s for name in ordered(names) for s in given[name]]
            return Out([x, *new] if as_list else (x, new))

        return Pair(init, apply)

    def over_time(self):
        """Cell after cell over the whole sequence, each in its fast way; None unless all have one."""
        if not all(is_standard(cell) for cell in self.cells):
            return None
        runs = {f"cell_{i}": cell.over_time() for i, cell in enumerate(self.cells)}
        counts, ordered = [len(sizes_of(c)) for c in self.cells], self._in_state_order

        def run(params: Params, x: Array, states: list[Array], mask: Tree, ctx: Ctx, way: ops.Way):
            given = dict(zip(ordered(list(runs)), _portions(states, ordered(counts)), strict=True))
            last = jnp.zeros(())
            for i, (name, one) in enumerate(runs.items()):
                inner = way if i == len(runs) - 1 else way._replace(sequences=True)
                last, x, given[name] = one(params[name], x, given[name], mask, ctx.at(name), inner)
            return last, x, [s for name in ordered(list(runs)) for s in given[name]]

        return run

    def call(
        self,
        inputs: Tree,
        states: list[Array] | None = None,
        constants: Tree = None,
        training: bool | None = None,
    ):
        """One time step: `(output, new states)`."""
        return super().call([inputs, *(states or ())])

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain values."""
        config = super().get_config()
        config["cells"] = [serialize(cell) for cell in self.cells]
        return config | ({"reverse_state_order": True} if self.reverse_state_order else {})

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None):
        """A stack from `get_config()`."""
        config = dict(config)
        return cls([deserialize(cell, custom_objects) for cell in config.pop("cells")], **config)


def _portions(items: list[Any], counts: list[int]) -> list[list[Any]]:
    portions: list[list[Any]] = []
    start = 0
    for count in counts:
        portions.append(list(items[start : start + count]))
        start += count
    return portions

"""Program: a model as pure functions over flat stores `{path: {weight: array}}`, for the trainer."""

# pyright: reportPrivateUsage=false
from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from jkeras.core import frames
from jkeras.core.types import Array, Ctx, Out, Params, Store
from jkeras.engine.call.checks import functions_are_ours
from jkeras.engine.call.running import aligned, runner
from jkeras.engine.tensors.frame import Frame
from jkeras.engine.tensors.variable import Values, Variable
from jkeras.engine.tree import by_variable, flags, instances, nested

if TYPE_CHECKING:
    from jkeras.engine.base_layer import Layer

_ROOT = "."  # the path of weights that the model itself owns


class Program:
    """A layer or model as it stands: its cells, which of them train, and its meaning over flat stores.

    Args:
        layer: a built layer or model; `trainable` is read now.

    Attributes:
        params, state: `{path: {name: Variable}}`; paths are the first places of instances, in order.
        live: paths whose parameters are trained.
        order: (path, weight name) of the trained parameters, in Keras's order, and as often as in Keras.
        moving: paths whose state moves in training (Keras 2.2.4: not that of frozen layers, unless stateful).
        rowwise: every sample's output depends on that sample only, so that devices may take rows apart.
        stateful: some layer carries state from batch to batch, also in inference.
    """

    def __init__(self, layer: Layer):
        self.layer = layer
        self._places = [(path or _ROOT, inner) for path, inner in instances(layer)]
        self._run = runner(layer)
        self.params: dict[str, dict[str, Variable]] = {
            path: dict(inner._params) for path, inner in self._places if inner._params
        }
        owned = {v for cells in self.params.values() for v in cells.values()}
        kept = {path: _without(inner._state, owned) for path, inner in self._places}
        self.state: dict[str, dict[str, Variable]] = {path: cells for path, cells in kept.items() if cells}
        paths = {inner: path for path, inner in self._places}
        live, moving = flags(layer, _trains), flags(layer, _moves)
        self.live = frozenset(paths[i] for i in live if self._trains(paths[i]))
        self.order = self._order()
        self.moving = frozenset(paths[i] for i in moving if paths[i] in self.state)
        self.rowwise = all(inner.rowwise and functions_are_ours(inner) for _, inner in self._places)
        self.stateful = any(inner.stateful for _, inner in self._places)

    def renewed(self) -> Program:
        """The layer with what it holds and gives out now; what trains and moves of the rest is as it was."""
        new = Program(self.layer)
        new.live, new.order = self.live, self.order
        new.moving = frozenset(p for p in new.moving | self.moving if p in self.moving or p not in self.state)
        return new

    def _trains(self, path: str) -> bool:
        """Whether weights of a layer are trained: a class that lists its weights may leave them out."""
        cells = self.params.get(path, {})
        if not cells or not any(inner.lists_weights for _, inner in self._places):
            return bool(cells)
        return not set(self.layer.trainable_weights).isdisjoint(cells.values())

    def apply(self, params: Store, state: Store, xs: list[Any], ctx: Ctx) -> Out:
        """Run the model.

        Args:
            params, state: flat stores of arrays.
            xs: list of inputs.
            ctx: context; `ctx.mask` is a list of masks or None.

        Returns:
            `Out` with lists `y` and `mask`, the whole new flat `state`, and the scalar `loss`.
        """
        values = self._values(params, state)
        x = xs if len(xs) != 1 else xs[0]
        mask = ctx.mask if ctx.mask is None or len(xs) != 1 else ctx.mask[0]
        ctx = ctx.replace(mask=mask)

        def read(variable: Variable) -> Any:
            return values[variable] if variable in values else variable._value

        out = self._run(read, x, ctx, values.__setitem__)
        new = {path: {n: values[v] for n, v in cells.items()} for path, cells in self.state.items()}
        ys, masks = jax.tree.leaves(out.y), aligned(out.y, out.mask)
        if ctx.dtype is not None:  # scores and predictions are as exact as without
            ys = [y.astype(jnp.float32) if y.dtype == ctx.dtype else y for y in ys]
        return dataclasses.replace(out, y=ys, state=new, mask=masks)

    def frame(self, params: Store, state: Store, out: Out, ctx: Ctx) -> Frame:
        """The scope for losses and metrics: the model's variables and what they close over have values, and
        the outputs are known as its tensors."""
        frame = Frame(self._values(params, state), ctx.at("objective"), out.seen)
        model: Any = self.layer  # it is a model that has losses
        for y, tensor in zip(out.y, model.signature[1], strict=True):
            frame.note_symbol(y, tensor)
        return frame

    def penalty(self, params: Store) -> Array | float:
        """Sum of the weight regularizers (and of symbolic `add_loss` terms that depend on weights only)."""
        terms: list[Any] = []
        for path, cells in self.params.items():
            for name, v in cells.items():
                if v.regularizer is not None and path in params:
                    with frames.named("regularizer", v.regularizer, repr(v.name), params[path][name]):
                        terms.append(v.regularizer(params[path][name]))
        return sum(terms[1:], terms[0]) if terms else 0.0

    def constrain(self, params: Store) -> Store:
        """Project each parameter by its constraint."""

        def constrained(v: Variable, value: Any) -> Any:
            if v.constraint is None:
                return value
            with frames.named("constraint", v.constraint, repr(v.name), value):
                return v.constraint(value)

        return {
            path: {name: constrained(self.params[path][name], value) for name, value in entries.items()}
            for path, entries in params.items()
        }

    def tree(self, flat: Store) -> Params:
        """Parameters from a flat store as `model.pure()` shows them: nested by the plain layer names."""
        values = {self.params[p][name]: a for p, entries in flat.items() for name, a in entries.items()}
        params, _ = nested(self.layer, values)
        return params

    def flat(self, tree: Params) -> Store:
        """Parameters from a tree by layer names as a flat store."""
        values = by_variable(self.layer, tree, {}, {})
        store = {
            p: {n: values[v] for n, v in cells.items() if v in values} for p, cells in self.params.items()
        }
        return {p: entries for p, entries in store.items() if entries}

    def _order(self) -> list[tuple[str, str]]:
        places = {v: (path, name) for path, cells in self.params.items() for name, v in cells.items()}
        trained = [places[v] for v in _listed(self.layer) if v in places]
        known = [k for k in trained if k[0] in self.live]
        return known + [k for k in places.values() if k[0] in self.live and k not in known]

    def _values(self, params: Store, state: Store) -> Values:
        values: Values = {
            v: params[path][name] for path, cells in self.params.items() for name, v in cells.items()
        }
        return values | {
            v: state[path][name] for path, cells in self.state.items() for name, v in cells.items()
        }


def _without(cells: dict[str, Variable], owned: set[Variable]) -> dict[str, Variable]:
    """A state without the parameters of other layers that the code of this one uses: those are trained."""
    return {name: variable for name, variable in cells.items() if variable not in owned}


def _trains(layer: Layer) -> bool:
    return layer.trainable


def _moves(layer: Layer) -> bool:
    return layer.trainable or layer.stateful


def _listed(layer: Layer) -> list[Variable]:
    """The trainable weights as Keras lists them: those of a layer that a model and a wrapper hold, twice."""
    layers: list[Layer] | None = getattr(layer, "layers", None)
    if layers is None or not layer.trainable:
        return layer.trainable_weights
    return [*layer._params.values(), *(v for inner in layers for v in _listed(inner))]

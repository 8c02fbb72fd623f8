"""Frame: what variables and symbolic tensors are worth while user code runs, and what the code adds."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from jkeras.core.identity import IdentityMap
from jkeras.core.types import INFERENCE, Ctx, Key, Means, Operand, Out, Tree, joined
from jkeras.engine.tensors.call_attributes import MISSING, show
from jkeras.engine.tensors.scope import KeptValues, current_scope, meaning_around, value_around
from jkeras.engine.tensors.variable import Constant, Values, Variable, current_frame, innermost

if TYPE_CHECKING:
    from jkeras.engine.base_layer import Layer
    from jkeras.engine.graph import Around
    from jkeras.engine.tensors.symbolic import Tensor


class StrayTensorError(ValueError):
    """A symbolic tensor that has no value where code runs on values."""

    def __init__(self, tensor: Tensor, text: str | None = None):
        super().__init__(
            text
            or f"{tensor!r} is symbolic, but is used in code that runs on values (inside a layer's call or a "
            "Lambda). Call the layer on a symbolic tensor of the same graph, or pass the tensor to it as an "
            "input."
        )
        self.tensor = tensor


class Frame:
    """A scope in which variables stand for traced arrays; entered by the adapter around user code.

    Args:
        values: `{variable: array}`.
        ctx: the context of the layer whose code runs.
        tensors: `{tensor: array}` for symbolic tensors that the code may close over.
        around: the run of a graph that the code belongs to, for functions that run graphs themselves.
        owner: the layer whose code runs.
    """

    def __init__(
        self,
        values: Values,
        ctx: Ctx = INFERENCE,
        tensors: Mapping[Tensor, Any] | None = None,
        around: Around | None = None,
        owner: Layer | None = None,
    ):
        self.values, self.ctx, self.tensors, self.around = values, ctx, tensors or {}, around
        self.owner, self.scope = owner, current_scope()
        self.symbols = IdentityMap()  # array → its tensor
        self.parent = current_frame()
        self.seen = IdentityMap()  # array → the variable it was read from
        self.updates: Values = {}
        self.losses: list[Any] = []
        self.metrics: Means = {}  # see `Out`
        self.captured: list[Variable] = []  # read, but not part of the store
        self.masks = IdentityMap()  # array → its mask
        self.kept: KeptValues = {}
        self.draws = self.calls = 0
        self.asked_for_phase = False

    def __enter__(self) -> Frame:
        self._token = innermost.set(self)
        return self

    def __exit__(self, *exc: object) -> None:
        innermost.reset(self._token)
        same = self.parent is not None and self.parent.scope is self.scope
        above = self.parent if same else self.scope
        if above is not None:
            above.kept.update(self.kept)
        elif self.kept:
            show(self.kept)

    def absorb(self, out: Out) -> None:
        """Take what a layer that was run in here adds to the loss and to the metrics."""
        if not isinstance(out.loss, float):
            self.losses.append(out.loss)
        self.metrics = joined(self.metrics, out.metrics)

    def hand_on(self, out: Out) -> Out:
        """The result of the code in here, with what it has added to the loss and to the metrics."""
        if not (self.losses or self.metrics):
            return out
        loss = sum(self.losses, out.loss) if self.losses else out.loss
        return dataclasses.replace(out, loss=loss, metrics=joined(self.metrics, out.metrics))

    @property
    def additions(self) -> int:
        """How often the code has added to the loss or to the metrics."""
        return len(self.losses) + sum(map(len, self.metrics.values()))

    def kept_around(self, layer: object, name: str) -> tuple[Any, bool]:
        """(what this run has left in an attribute of a layer, whether that layer's own code runs here)."""
        key, running, scope = (layer, name), False, self.scope
        frame: Frame | None = self
        while frame is not None:
            running = running or frame.owner is layer
            if key in frame.kept:
                return frame.kept[key], running
            frame = frame.parent
        while scope is not None:
            if key in scope.kept:
                return scope.kept[key], running
            if key in scope.starts:
                return scope.starts[key], running
            scope = scope.parent
        return MISSING, running

    def read(self, variable: Variable) -> Any:
        """The array of `variable` in here: the newest value written, the traced one, or its constant."""
        array = self._find(variable)
        self.seen[array] = variable
        return array

    def before(self, variable: Variable) -> Any:
        """The array of `variable` before the run, whatever was written since."""
        return self._find(variable, new=False)

    def _find(self, variable: Variable, new: bool = True) -> Any:
        frame: Frame | None = self
        while frame is not None:
            if new and variable in frame.updates:
                return frame.updates[variable]
            if variable in frame.values:
                return frame.values[variable]
            frame = frame.parent
        if not isinstance(variable, Constant) and all(v is not variable for v in self.captured):
            self.captured.append(variable)
        return variable.value

    def tensor(self, tensor: Tensor) -> Any:
        """The array that a symbolic tensor stands for in here.

        Raises:
            StrayTensorError: there is none.
        """
        if tensor in self.tensors:
            return self.tensors[tensor]
        entry = value_around(tensor)
        if entry is not None:
            self.note_mask(*entry)
            return entry[0]
        if self.parent is not None:
            return self.parent.tensor(tensor)
        raise StrayTensorError(tensor)

    def knows(self, tensor: Tensor) -> bool:
        """Whether a symbolic tensor has a value in here."""
        known = tensor in self.tensors or value_around(tensor) is not None
        return known or (self.parent is not None and self.parent.knows(tensor))

    def note_symbol(self, array: Any, tensor: Tensor) -> None:
        """Let an array be known as the value of a symbolic tensor."""
        self.symbols[array] = tensor

    def meaning(self, array: Operand) -> Operand:
        """The symbolic tensor or the variable whose value an array is known to be; else the array itself."""
        symbol = self.symbols.get(array)
        symbol = self.seen.get(array) if symbol is None else symbol
        return meaning_around(array) if symbol is None else symbol

    def write(self, target: Operand, value: Any) -> None:
        """Note a new value for a variable, or for the array that was read from one."""
        variable = target if isinstance(target, Variable) else self.seen.get(target)
        if variable is None:
            raise ValueError("An update must name a weight of this layer (self.add_weight) as its target.")
        self.updates[variable] = value
        self.seen[target] = variable

    def note_mask(self, array: Any, mask: Any) -> None:
        """Let a mask travel with an array through user code, as it travels with a tensor."""
        if mask is not None:
            self.masks[array] = mask

    def masked(self, array: Any, mask: Any, inputs: Tree = ()) -> Any:
        """The output of a layer with its mask: a copy, if it is an array that is known with another mask."""
        known = self.mask_of(array)
        if known is not mask and (known is not None or any(array is x for x in jax.tree.leaves(inputs))):
            array = jnp.copy(array)
        self.note_mask(array, mask)
        return array

    def mask_of(self, array: Any) -> Any:
        return self.masks.get(array)

    def key(self) -> Key:
        """A fresh random key for the next draw in this frame."""
        self.draws += 1
        return self.ctx.key(self.draws)

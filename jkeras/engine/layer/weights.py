"""The weights of a layer: its own variables and those of its inner layers, in Keras's order."""

# pyright: reportPrivateUsage=false
from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from jkeras.core.names import open_scope
from jkeras.core.types import AnyDict, Function, Params, State, Tree
from jkeras.engine.call import adapter
from jkeras.engine.tensors.call_attributes import MISSING, Kept, held_by, keep, keeps
from jkeras.engine.tensors.symbolic import Tensor, as_asked, as_values
from jkeras.engine.tensors.variable import Numpy, Variable, current_frame, numpy_copies
from jkeras.engine.tree import Plan, own_entries, plan

if TYPE_CHECKING:
    from jkeras.engine.base_layer import Layer


def rule(layer: object, weight: str, kind: str) -> Any:
    """The initializer, regularizer or constraint of a weight, by Keras's naming.

    `kernel` → `kernel_regularizer`, `recurrent_kernel` → `recurrent_regularizer`.
    """
    stem = weight.removesuffix("_kernel")
    return getattr(layer, f"{stem}_{kind}", None)


def penalties(layer: Layer, params: Tree, seen: set[Layer]) -> list[Any]:
    """The regularizers' values, each weight once, also of layers that nobody has built."""
    if layer in seen:
        return []
    seen.add(layer)
    terms: list[Any] = []
    for name, value in own_entries(layer, params).items():
        cell = layer._params.get(name)
        regularizer = rule(layer, name, "regularizer") if cell is None else cell.regularizer
        if regularizer is not None:
            terms.append(regularizer(value))
    for name, child in layer.children().items():
        if isinstance(params, AnyDict) and name in params:
            terms += penalties(child, params[name], seen)
    return terms


class OtherName:
    """An attribute under a second name; an object may keep something else by that name.

    Args:
        name: the first name.
    """

    def __init__(self, name: str):
        self.name = name

    def __get__(self, owner: object, kind: type | None = None) -> Any:
        return self if owner is None else getattr(owner, self.name)


class Declared(list[Any]):
    """A list that tells the layer when it changes."""

    def __init__(self, items: Iterable[Variable], tell: Callable[[list[Any]], None]):
        super().__init__(items)
        self.tell = tell

    def append(self, item: Any) -> None:
        super().append(item)
        self.tell(self)

    def extend(self, items: Iterable[Any]) -> None:
        super().extend(items)
        self.tell(self)

    def __setitem__(self, place: Any, items: Any) -> None:
        super().__setitem__(place, items)
        if all(isinstance(item, Variable) for item in self):  # what is computed is no weight: the place stays
            self.tell(self)


class WeightAccess:
    """Mixin of `Layer`: owns `_params` and `_state` ({name: Variable}) and unwraps them inside frames."""

    name: str
    built: bool
    stateful: bool
    is_native: bool
    named_children: bool
    _trainable: bool
    _given_weights: Any
    asks_for_truth = False  # whether the code of the layer asks for the truth value of weights

    # the names in later Kerases
    variables = OtherName("weights")
    trainable_variables = OtherName("trainable_weights")
    non_trainable_variables = OtherName("non_trainable_weights")

    def children(self) -> dict[str, Layer]:
        """Inner layers by name; for a user's layer those found among its attributes."""
        return {} if self.is_native else adapter.tracked_layers(self)

    @property
    def _params(self) -> dict[str, Variable]:
        return self.__dict__.setdefault("_own_params", {})

    @property
    def _state(self) -> dict[str, Variable]:
        return self.__dict__.setdefault("_own_state", {})

    @property
    def _plans(self) -> dict[str, Plan]:
        """For "params" and "state": how trees of weights that the layer's pair returned are put together."""
        return self.__dict__.setdefault("_own_plans", {})

    # --- attributes that hold variables are arrays inside a frame --------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        frame = current_frame()
        if frame is not None and not isinstance(getattr(type(self), name, None), property):
            value = as_values(value)
            if keeps(self, name, value):
                keep(self, name, value, frame)
                return
        if isinstance(value, Variable) or (isinstance(value, (list, dict)) and not self.is_native):
            if not hasattr(type(self), name):  # what the class has (a property, a default) is found before it
                self.__dict__.setdefault("_held", {})[name] = value
                self.__dict__.pop(name, None)
                return
        held_by(self).pop(name, None)
        object.__setattr__(self, name, value)

    if not TYPE_CHECKING:  # a type checker would take every misspelled name for an attribute

        def __getattr__(self, name: str) -> Any:
            frame = current_frame()
            value = held_by(self).get(name, MISSING)
            if isinstance(value, Kept):
                value = value.read(self, name, frame)
            if value is MISSING and not name.startswith("_"):
                value = self._params.get(name, self._state.get(name, MISSING))
            if value is MISSING:
                if isinstance(getattr(type(self), name, None), property):
                    return object.__getattribute__(self, name)  # again, for the property's own error
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            if frame is None or self.asks_for_truth:
                return value
            return as_asked(adapter.unwrapped(value, frame))

    def replaced(self) -> list[str]:
        """Names of own weights in whose place `layer.kernel = other` has put a variable, tensor or array."""
        mine = vars(self)
        cells = {**self._params, **self._state} if mine.keys() & {"_own_params", "_own_state"} else {}
        instead = {name: held_by(self).get(name, mine.get(name)) for name in cells}
        kinds = (Variable, Tensor, Kept, np.ndarray, jax.Array)
        return [n for n, value in instead.items() if isinstance(value, kinds) and value is not cells[n]]

    # --- making ----------------------------------------------------------------------------------------

    def own(
        self,
        name: str | None,
        value: Any,
        trainable: bool = True,
        initializer: Any = None,
        regularizer: Function | None = None,
        constraint: Function | None = None,
    ) -> Variable:
        """Make a variable for a weight of this layer."""
        cells = self._params if trainable else self._state
        key = base = name or f"weight_{len(self._params) + len(self._state)}"
        number = 0
        while key in self._params or key in self._state:
            number += 1
            key = f"{base}_{number}"
        full = f"{open_scope()}{self.name}/{key}:0"
        variable = Variable(value, name=full, regularizer=regularizer, constraint=constraint)
        variable.initializer = initializer
        cells[key] = variable
        return variable

    def adopt(
        self, params: Params, state: State, scope: str | None = None, taken: set[str] | None = None
    ) -> None:
        """Put freshly drawn params and state into variables, here and in inner layers not yet built."""
        scope, taken = scope or f"{open_scope()}{self.name}", set() if taken is None else taken
        children = self.children()
        for kind, cells, tree in (("params", self._params, params), ("state", self._state, state)):
            self._plans[kind] = plan(self, tree)
            for name, value in own_entries(self, tree).items():
                cells[name] = self._cell(name, value, scope, taken)
        for name, child in children.items():
            if not child.built:
                inner = f"{scope}/{child.name}" if self.named_children else scope
                child.adopt(params.get(name, {}), state.get(name, {}), inner, taken)
                child.built = True
                child.set_initial_weights()

    def _cell(self, name: str, value: Any, scope: str, taken: set[str]) -> Variable:
        full, number = f"{scope}/{name}", 0
        while full in taken:
            number += 1
            full = f"{scope}/{name}_{number}"
        taken.add(full)
        rules = {kind: rule(self, name, kind) for kind in ("regularizer", "constraint")}
        variable = Variable(value, name=f"{full}:0", **rules)
        variable.initializer = rule(self, name, "initializer")
        return variable

    def set_initial_weights(self) -> None:
        """Apply the constructor's `weights=` once the layer is built."""
        if self._given_weights is not None:
            self.set_weights(self._given_weights)
            self._given_weights = None

    # --- Keras's views ---------------------------------------------------------------------------------

    @property
    def trainable(self) -> bool:
        """Whether the weights are trained; a change counts from the next compile on."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)

    @property
    def lists_weights(self) -> bool:
        """Whether the class says itself which weights it has: Keras trains and keeps what it lists."""
        own = type(self).trainable_weights, type(self).non_trainable_weights
        return own != (WeightAccess.trainable_weights, WeightAccess.non_trainable_weights)

    def _listed(self) -> tuple[list[Variable], list[Variable]]:
        if not self.lists_weights:
            return self._split()
        return list(self.trainable_weights), list(self.non_trainable_weights)

    def _split(self) -> tuple[list[Variable], list[Variable]]:
        train = list(self._params.values())
        fixed = [v for name, v in self._state.items() if not name.startswith("_")]
        for child in self.children().values():
            inner_train, inner_fixed = child._listed()
            train += inner_train
            fixed += inner_fixed
        train, fixed = list(dict.fromkeys(train)), list(dict.fromkeys(fixed))
        return (train, fixed) if self.trainable else ([], train + fixed)

    @property
    def trainable_weights(self) -> list[Variable]:
        """The variables that training changes."""
        return self._split()[0]

    @trainable_weights.setter
    def trainable_weights(self, variables: Iterable[Variable]) -> None:
        self._declare("_own_params", variables)

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The variables that training leaves alone."""
        return self._split()[1]

    @non_trainable_weights.setter
    def non_trainable_weights(self, variables: Iterable[Variable]) -> None:
        self._declare("_own_state", variables)

    @property
    def _trainable_weights(self) -> list[Variable]:
        """Keras's list of the layer's own weights: appending a variable declares it."""
        return Declared(self._params.values(), lambda weights: self._declare("_own_params", weights))

    @_trainable_weights.setter
    def _trainable_weights(self, variables: Iterable[Variable]) -> None:
        self._declare("_own_params", variables)

    @property
    def _non_trainable_weights(self) -> list[Variable]:
        return Declared(self._state.values(), lambda weights: self._declare("_own_state", weights))

    @_non_trainable_weights.setter
    def _non_trainable_weights(self, variables: Iterable[Variable]) -> None:
        self._declare("_own_state", variables)

    def _declare(self, kind: str, variables: Iterable[Any]) -> None:
        """The way of Keras 1 to declare weights, by assignment; those of inner layers stay theirs."""
        inner = {v for child in self.children().values() for v in child.weights}
        cells: dict[str, Variable] = {}
        variables = list(variables)
        places = _places(self.__dict__.get(kind, {}), variables)
        for variable in variables:
            if not isinstance(variable, Variable):
                raise TypeError(
                    f"The weights of layer {self.name!r} are variables (self.add_weight, K.variable); "
                    f"got {variable!r}."
                )
            if variable not in inner:
                stem = variable.name.rsplit("/", 1)[-1].removesuffix(":0").lstrip("_") or "weight"
                base = places.get(variable, stem)
                names = (f"{base}_{i}" if i else base for i in itertools.count())
                other = self._state if kind == "_own_params" else self._params
                cells[next(n for n in names if n not in cells and n not in other)] = variable
        self.__dict__[kind] = cells

    @property
    def weights(self) -> list[Variable]:
        """All variables: trainable ones, then the others."""
        train, fixed = self._listed()
        return train + fixed

    def get_weights(self) -> list[Numpy]:
        """Copies of all weights as numpy arrays, in the order of `weights`."""
        return numpy_copies(self.weights)

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Replace all weights.

        Args:
            weights: list of arrays, as `get_weights` returns it.

        Raises:
            ValueError: wrong number or shapes; nothing was changed.
        """
        self._assign_all(self.weights, weights)

    def _assign_all(self, cells: list[Variable], weights: Sequence[Any]) -> None:
        if len(weights) != len(cells):
            raise ValueError(
                f"Layer {self.name!r} has {len(cells)} weights ({[v.name for v in cells]}), but set_weights "
                f"got {len(weights)}."
                + ("" if self.built else " The layer is not built yet: call it on data first.")
            )
        for variable, value in zip(cells, weights, strict=True):
            if np.shape(value) != variable.shape:
                raise ValueError(
                    f"Layer {self.name!r}: weight {variable.name!r} has shape {variable.shape}, but "
                    f"set_weights got a value of shape {np.shape(value)}."
                )
        for variable, value in zip(cells, weights, strict=True):
            variable.assign(value)

    def count_params(self) -> int:
        """Number of scalars in the weights.

        Raises:
            RuntimeError: the layer has no weights yet because it is not built.
        """
        if not self.built:
            raise RuntimeError(
                f"Layer {self.name!r} is not built yet, so its weights cannot be counted: call it on data, "
                "or give the model an input shape."
            )
        return int(sum(np.prod(v.shape) for v in self.weights))


def _places(cells: dict[str, Variable], variables: list[Variable]) -> dict[Variable, str]:
    """Names in `cells` of variables: of those already there, and of the ones that others replace."""
    if len(cells) != len(variables):
        return {}
    gone = {name for name, old in cells.items() if not any(old is v for v in variables)}
    stay = {old: name for name, old in cells.items() if name not in gone}
    new = zip(cells, variables, strict=True)
    return stay | {v: name for name, v in new if name in gone and v not in stay}

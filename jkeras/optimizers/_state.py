"""The state of an optimizer as cells: its hyperparameters, and its slots for the weights of one model."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast, overload

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jkeras.core.dispatch import Symbolic, is_symbol
from jkeras.core.processes import wholes
from jkeras.core.stored import on_device
from jkeras.core.types import Array, Function, Tree
from jkeras.engine.tensors.variable import Variable
from jkeras.initializers.undrawn import Undrawn

Leaves = list[tuple[Any, Any]]  # of a tree: (path, leaf)


class Hyper:
    """A hyperparameter in the state: `opt.lr` is its cell, `opt.lr = 0.1` stores into that cell."""

    def __init__(self, dtype: str = "float32"):
        self.dtype = dtype

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self.name = name

    @overload
    def __get__(self, opt: None, owner: type[Any] | None = None) -> Hyper: ...
    @overload
    def __get__(self, opt: object, owner: type[Any] | None = None) -> Variable: ...
    def __get__(self, opt: object | None, owner: type[Any] | None = None):
        if opt is None:
            return self
        for values in ("_tensors", "_hyper"):
            if self.name in vars(opt).get(values, {}):
                return vars(opt)[values][self.name]
        raise AttributeError(f"{type(opt).__name__!r} object has no attribute {self.name!r}")

    def __set__(self, opt: Any, value: Any) -> None:
        cells: dict[str, Variable] = opt.__dict__.setdefault("_hyper", {})
        if value is cells.get(self.name):
            opt.__dict__["_tensors"].pop(self.name, None)
            return
        # What stands in the place of a cell for a while.
        tensors: dict[str, Symbolic] = opt.__dict__.setdefault("_tensors", {})
        tensors.pop(self.name, None)
        if callable(value) and self.name == "lr" and "lr" not in cells:
            opt._schedule = value
            cells["lr"] = Scheduled(np.float32(rate_at_start(value)), name=self._label(opt))
        elif isinstance(value, Symbolic) and not isinstance(value, Variable) and self.name in cells:
            tensors[self.name] = value
        elif self._may_take_place(opt, value):
            cells[self.name] = cast("Variable", value)
        elif self.name in cells:
            cells[self.name].assign(self._scalar(opt, value))
        else:
            cells[self.name] = Variable(self._scalar(opt, value), name=self._label(opt), dtype=self.dtype)

    def _may_take_place(self, opt: Any, value: Any) -> bool:
        """Whether a variable becomes the cell itself: before there is a state, and for any rule of Keras."""
        return (
            isinstance(value, Variable)
            and opt.binding is None
            and value.shape == ()
            and (opt.rule is None or value.dtype == self.dtype)
        )

    def _label(self, opt: Any) -> str:
        return f"{type(opt).__name__}/{self.name}:0"

    def _scalar(self, opt: Any, value: Any) -> np.ndarray:
        try:
            number = np.array(value.numpy() if isinstance(value, Variable) else value, self.dtype)
        except (TypeError, ValueError):
            number = None
        if number is None or number.ndim or value is None or isinstance(value, str):
            hint = " A schedule is passed when an optimizer is made: SGD(lr=schedule)." * callable(value)
            raise TypeError(f"{type(opt).__name__}: {self.name} must be a number; got {value!r}.{hint}")
        return number


class Scheduled(Variable):
    """The cell of a rate that follows a schedule: it shows the rate used last and refuses to be set."""

    def assign(self, value: Any) -> None:
        raise ValueError(
            f"{self.name} follows a schedule, which would overwrite {value!r} at the next step. To set the "
            "rate by hand or by a callback, make the optimizer with a number."
        )


def rate_at_start(schedule: Function) -> float:
    """`schedule(0)`, checked to be a number."""
    rate: Any = schedule(jnp.int32(0))
    if isinstance(rate, optax.GradientTransformation):
        name = getattr(schedule, "__name__", repr(schedule))
        raise ValueError(f"{name} makes an optimizer and is no schedule: call it first, as in {name}(1e-3).")
    if not isinstance(rate, (int, float)) and np.shape(rate) != ():
        raise ValueError(f"A schedule must return one number for a step; {schedule!r} returned {rate!r}.")
    return float(rate)


class Binding:
    """The state of an optimizer for the weights of one model.

    Args:
        state: the optax state with a `Variable` at every leaf; hyperparameters are the optimizer's own cells.
        weights: the cells that `get_weights` returns, in Keras's order.
        move: of an optimizer that is written as `get_updates`, the function that makes a step; see `mover`.
        trained: the tree of the weights of the model.
    """

    def __init__(
        self, state: Tree, weights: list[Variable], move: Function | None = None, trained: Tree = None
    ):
        self.state, self.weights, self.move, self.trained = state, weights, move, trained
        self.own = self  # the optimizer's part, where a step keeps more beside it
        self.cells, self.treedef = jax.tree.flatten(state, is_leaf=is_symbol)
        self.paths = list(by_path(state))

    def averages(self) -> list[tuple[Variable, Variable]]:
        """Each weight of the model and its moving average, if the optimizer keeps them and has begun."""
        kept = self.kept_averages()
        return kept if kept and self.state.iterations.take() else []

    def kept_averages(self) -> list[tuple[Variable, Variable]]:
        """Each weight of the model and its moving average, if the optimizer keeps them."""
        slots = getattr(self.state, "slots", {})
        if "average" not in slots:
            return []
        kept = by_path(slots["average"])
        return [(weight, kept[path]) for path, weight in by_path(self.trained).items() if path in kept]


def by_path(tree: Tree) -> dict[str, Any]:
    """The leaves of a tree by their path, as in `slots/m/0001/dense_1/kernel`."""
    return {path_name(path): leaf for path, leaf in by_leaf(tree)}


def by_leaf(tree: Tree) -> Leaves:
    """The leaves of a tree with their paths."""
    return cast("Leaves", jax.tree_util.tree_flatten_with_path(tree, is_leaf=is_symbol)[0])


def path_name(path: Any) -> str:
    """The path of a leaf in words."""
    return jax.tree_util.keystr(path, simple=True, separator="/")


def to_numpy(arrays: Iterable[jax.Array]) -> list[np.ndarray]:
    """Copies of arrays for a file; of a random key its data."""
    data = [jax.random.key_data(a) if is_key(a) else a for a in arrays]
    return [np.array(a) for a in wholes(data)]


def shape_in_numpy(cell: Variable) -> tuple[int, ...]:
    """The shape of the array that `to_numpy` gives for a cell."""
    return jax.random.key_data(cell.take()).shape if is_key(cell) else cell.shape


def from_numpy(value: Any, cell: Variable) -> Array:
    """The array of `to_numpy`, as one for the cell."""
    if is_key(cell):
        return cast(
            "Array",
            jax.random.wrap_key_data(jnp.array(np.array(value)), impl=jax.random.key_impl(cell.take())),
        )
    return on_device(value, jnp.dtype(cell.dtype))


def filled(leaf: Any, value: float) -> object:
    """Equal numbers, once somebody asks, in the place of a shape alone; anything else as it is."""
    if not isinstance(leaf, jax.ShapeDtypeStruct):
        return leaf
    return Undrawn(lambda: jax.device_put(np.full(leaf.shape, value, leaf.dtype)), leaf.shape, leaf.dtype)


def is_key(array: Any) -> bool:
    """Whether an array, or a cell, is one of random keys."""
    if isinstance(array, Variable):
        return array.dtype.startswith("key<")
    return jnp.issubdtype(array.dtype, jax.dtypes.prng_key)

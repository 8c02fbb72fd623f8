"""Several optimizers in one model: each for the weights whose paths match its pattern."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp

from jkeras.core.types import Array, Ctx, Function, Store, Tree
from jkeras.engine.tensors.variable import Variable
from jkeras.optimizers._optimizer import Optimizer
from jkeras.optimizers._state import Binding, path_name

Places = dict[str, list[str]]  # path in the store: names of weights


class PathState(NamedTuple):
    """The steps done, and the states of the parts by number."""

    iterations: Any
    parts: dict[str, Tree]


class _Part(NamedTuple):
    """An optimizer, its state for its weights, and where they are in the store."""

    optimizer: Optimizer
    binding: Binding
    places: Places

    def of(self, store: Store) -> Store:
        return {path: {name: store[path][name] for name in names} for path, names in self.places.items()}


class PartsBinding(Binding):
    """The states of all parts as that of one optimizer."""

    def __init__(self, count: Variable, parts: list[_Part]):
        state = PathState(count, {f"{i:02d}": part.binding.state for i, part in enumerate(parts)})
        super().__init__(state, [count, *(w for part in parts for w in part.binding.weights)])
        self.parts = parts

    def averages(self) -> list[tuple[Variable, Variable]]:
        return [pair for part in self.parts for pair in part.binding.averages()]

    def kept_averages(self) -> list[tuple[Variable, Variable]]:
        return [pair for part in self.parts for pair in part.binding.kept_averages()]


class ByPath(Optimizer):
    """Optimizers by the paths of weights, `layer/kernel` or `model/layer/kernel`; the first match counts.

    `compile` makes it of a dict. Each optimizer steps over its own weights, with its own clipping and
    schedule. A weight that must not be trained has None or "freeze": unlike with `layer.trainable = False`
    statistics of its layer move on, and its gradient is not computed.

    Args:
        rules: `{pattern: optimizer, or None}`; patterns as in a shell: `*` is any text, also over `/`.

    Raises:
        ValueError: once the weights are known, a pattern that matches none, or a weight without a pattern.

    Example:
        >>> import jkeras
        >>> model = jkeras.Sequential([jkeras.Input((3,)), jkeras.layers.Dense(2, name="a")])
        >>> model.add(jkeras.layers.Dense(1, name="head"))
        >>> model.compile({"a/*": None, "*/bias": "sgd", "*": jkeras.optimizers.Adam(1e-3)}, "mse")
        >>> model.optimizer["*/bias"].lr.value.item()
        0.009999999776482582
    """

    def __init__(self, rules: Mapping[str, Optimizer | None]):
        super().__init__()
        self.iterations = 0
        self.rules = dict(rules)
        self.optimizers = list({id(o): o for o in self.rules.values() if o is not None}.values())

    def __getitem__(self, pattern: str) -> Optimizer | None:
        return self.rules[pattern]

    @property
    def lr(self) -> Variable:
        """Refuses: every part has its own.

        Raises:
            AttributeError: always.
        """
        raise AttributeError(
            f"There is a learning rate for each of {list(self.rules)}: model.optimizer[pattern].lr."
        )

    def init(
        self,
        params: dict[str, dict[str, Any]],
        order: Sequence[tuple[str, str]] | None = None,
        to_tree: Function | None = None,
        from_tree: Function | None = None,
    ) -> Binding:
        if order is None:
            order = [(path, name) for path, weights in params.items() for name in weights]
        chosen = self._chosen(_labels(order, to_tree))
        parts: list[_Part] = []
        for optimizer in self.optimizers:
            mine = [place for place in dict.fromkeys(order) if chosen[place] is optimizer]
            places: Places = {}
            for path, name in mine:
                places.setdefault(path, []).append(name)
            weights = {path: {name: params[path][name] for name in names} for path, names in places.items()}
            parts.append(_Part(optimizer, optimizer.init(weights, mine, to_tree, from_tree), places))
        return self.bind(PartsBinding(self._hyper["iterations"], parts))

    def _chosen(self, labels: dict[tuple[str, str], str]) -> dict[tuple[str, str], Optimizer | None]:
        """The optimizer of each weight.

        Raises:
            ValueError: as the class says.
        """
        known = sorted(labels.values())
        idle = [p for p in self.rules if not any(fnmatchcase(label, p) for label in known)]
        if idle:
            raise ValueError(
                f"compile: no weight that trains has a path like {idle}. The paths are {', '.join(known)}."
            )
        chosen: dict[tuple[str, str], Optimizer | None] = {}
        for place, label in labels.items():
            found = [p for p in self.rules if fnmatchcase(label, p)]
            if not found:
                raise ValueError(
                    f"compile: none of the patterns {list(self.rules)} matches the weight {label}. Add one, "
                    'or `"*"` for the rest, as the last.'
                )
            chosen[place] = self.rules[found[0]]
        return chosen

    def bind(self, binding: Binding | None) -> Any:
        """Make `binding` the current one, and so in each part; returns it."""
        own = None if binding is None else binding.own
        for part in own.parts if isinstance(own, PartsBinding) else ():
            part.optimizer.bind(part.binding)
        return super().bind(binding)

    def first_state(
        self,
        params: Tree,
        binding: Binding,
        to_tree: Function | None = None,
        from_tree: Function | None = None,
    ) -> Tree:
        parts = cast("PartsBinding", binding).parts
        states = [p.optimizer.first_state(p.of(params), p.binding, to_tree, from_tree) for p in parts]
        return PathState(jnp.int32(0), {f"{i:02d}": state for i, state in enumerate(states)})

    def mover(
        self, binding: Binding, constrain: Function, to_tree: Function | None, from_tree: Function | None
    ) -> Function:
        """The step of all parts, see `Optimizer.mover`."""
        parts = cast("PartsBinding", binding).parts
        moves = [p.optimizer.mover(p.binding, constrain, to_tree, from_tree) for p in parts]

        def move(
            grads: Tree, state: PathState, params: Tree, ctx: Ctx, value: Any, value_fn: Function | None
        ) -> tuple[Tree, PathState]:
            new, states = {path: dict(entries) for path, entries in params.items()}, dict(state.parts)
            for (key, before), part, one in zip(state.parts.items(), parts, moves, strict=True):

                def loss(some: Store) -> Array:
                    assert value_fn is not None
                    return value_fn({path: {**params[path], **some.get(path, {})} for path in params})

                whole = value_fn and loss
                moved, states[key] = one(part.of(grads), before, part.of(params), ctx, value, whole)
                for path, entries in moved.items():
                    new[path] |= entries
            return new, PathState(state.iterations + 1, states)

        return move

    def finalize_variable_values(self, var_list: Iterable[Variable]) -> None:
        """See `Optimizer.finalize_variable_values`."""
        weights = list(var_list)
        for optimizer in self.optimizers:
            optimizer.finalize_variable_values(weights)

    @property
    def portable(self) -> bool:
        """Whether a config tells all of every part."""
        return all(optimizer.portable for optimizer in self.optimizers)

    def get_config(self) -> dict[str, Any]:
        """The patterns with the numbers of their optimizers, and the optimizers.

        Raises:
            ValueError: one is an optax transformation, which is a function.
        """
        numbers = {id(o): i for i, o in enumerate(self.optimizers)}
        return {
            "patterns": [[p, None if o is None else numbers[id(o)]] for p, o in self.rules.items()],
            "optimizers": [
                {"class_name": type(o).__name__, "config": o.get_config()} for o in self.optimizers
            ],
        }


def _labels(order: Sequence[tuple[str, str]], to_tree: Function | None) -> dict[tuple[str, str], str]:
    """The path of each weight as `model.pure()` shows it."""
    places = list(dict.fromkeys(order))
    store: dict[str, dict[str, int]] = {}
    for number, (path, name) in enumerate(places):
        store.setdefault(path, {})[name] = number
    tree = to_tree(store) if to_tree else store
    leaves = cast("list[tuple[Any, int]]", jax.tree_util.tree_flatten_with_path(tree)[0])
    return {places[number]: path_name(path) for path, number in leaves}

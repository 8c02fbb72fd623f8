"""Hyperparameters as data: numbers that one program takes for each of many models."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import contextlib
import re
from collections.abc import Generator, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jkeras.core.types import Tree
from jkeras.engine.base_layer import Layer
from jkeras.engine.tree import instances
from jkeras.models.model import Model
from jkeras.optimizers import Optimizer
from jkeras.training.run.pure_step import TrainingStep

Values = Mapping[str, Any]  # by the name of the hyperparameter

_COMMON = ("weight_decay", "clipnorm", "global_clipnorm", "clipvalue")  # of every optimizer
_IN_STATE = re.compile("(^|/)hyper(params)?/")  # of the optimizer


class _Place(NamedTuple):
    """An attribute that holds a number."""

    owner: Any
    name: str


class Hyperparameters:
    """The places of hyperparameters in a model.

    A name without a slash is one of the optimizer: a number in its state, as `lr`, or one of its arguments,
    as `weight_decay`. One with slashes is a number of layers, by path: `dropout_1/rate`, `*/rate`,
    `dense_1/kernel_regularizer/l2`.

    Args:
        model: the compiled model.
        step: of it.
        names: of the hyperparameters.

    Raises:
        ValueError: a name is none of these.
    """

    def __init__(self, model: Model, step: TrainingStep, names: Iterable[str]):
        self.names = tuple(names)
        in_state = _by_name(jax.eval_shape(step.init).opt)
        self._in_state: dict[str, str] = {}  # name → as the state has it
        self._places: dict[str, list[_Place]] = {}
        for name in self.names:
            later = "lr" if name == "learning_rate" and name not in in_state else name
            if "/" in name:
                self._places[name] = _of_layers(model, name)
            elif later in in_state:
                self._in_state[name] = later
            else:
                self._places[name] = _of_optimizer(model.optimizer, name, sorted(in_state))

    def in_state(self, opt: Tree, values: Values) -> Tree:
        """The optimizer's state with these values of what it keeps."""
        leaves, treedef = jax.tree.flatten(opt)
        known = _by_name(opt)
        for name, value in values.items():
            for i in known[self._in_state[name]] if name in self._in_state else ():
                leaves[i] = jnp.asarray(value, leaves[i].dtype)
        return treedef.unflatten(leaves)

    def rate_of(self, opt: Tree) -> Any:
        """The rate in the state of an optimizer; None if there is none, or several."""
        places = _rates(opt)
        return jax.tree.leaves(opt)[places[0]] if len(places) == 1 else None

    def with_rate(self, opt: Tree, rate: Any) -> Tree:
        """The state with another rate."""
        leaves, treedef = jax.tree.flatten(opt)
        leaves[_rates(opt)[0]] = rate
        return treedef.unflatten(leaves)

    @contextlib.contextmanager
    def set(self, values: Values) -> Generator[None]:
        """Layers and optimizer with these values, which may be traced; a program that is traced meanwhile has
        them."""
        before: list[tuple[_Place, dict[str, Any]]] = []
        try:
            for name, places in self._places.items():
                for place in places:
                    held = vars(place.owner)
                    before.append((place, {place.name: held[place.name]} if place.name in held else {}))
                    held[place.name] = values[name]
            yield
        finally:
            for place, held in reversed(before):
                vars(place.owner).pop(place.name)
                vars(place.owner).update(held)


def _by_name(opt: Tree) -> dict[str, list[int]]:
    """The numbers of the leaves that are hyperparameters, by their names."""
    known: dict[str, list[int]] = {}
    leaves: list[tuple[Any, Any]] = jax.tree_util.tree_flatten_with_path(opt)[0]
    for i, (path, _) in enumerate(leaves):
        place = jax.tree_util.keystr(path, simple=True, separator="/")
        if _IN_STATE.search(place):
            known.setdefault(place.rpartition("/")[2], []).append(i)
    return known


def _rates(opt: Tree) -> list[int]:
    known = _by_name(opt)
    return [*known.get("lr", ()), *known.get("learning_rate", ())]


def _of_optimizer(optimizer: Any, name: str, in_state: list[str]) -> list[_Place]:
    """An argument of an optimizer, or of each of several."""
    parts: list[Optimizer] = getattr(optimizer, "optimizers", [optimizer])
    having = [part for part in parts if name in _numbers_of_optimizer(part)]
    if not having:
        known = {*in_state, *(known for part in parts for known in _numbers_of_optimizer(part))}
        raise ValueError(
            f"The optimizer keeps no hyperparameter {name!r}: it has {sorted(known)}. Those of an optax "
            "transformation are data with optax.inject_hyperparams; those of layers have the layer's name: "
            "'dropout_1/rate' or '*/rate'."
        )
    return [_Place(part, name) for part in having]


def _numbers_of_optimizer(optimizer: Optimizer) -> list[str]:
    """The arguments that are read when a step is made; that of a `get_updates` has been made."""
    if optimizer.rule is None or optimizer.binding is None or optimizer.binding.own.move is not None:
        return []
    own = [name for name in optimizer.config if isinstance(getattr(optimizer, name), float)]
    return [*own, *_COMMON, *(["ema_momentum"] if optimizer.common("use_ema") else [])]


def _of_layers(model: Model, name: str) -> list[_Place]:
    """The numbers of layers that a name with slashes is for."""
    known = {path: place for layer, path in _paths(model) for path, place in _numbers(layer, path)}
    found = [place for path, place in known.items() if fnmatchcase(path, name)]
    if not found:
        raise ValueError(
            f"No layer of {model.name!r} has a number {name!r}: there are {sorted(known)}. What decides a "
            "shape or is no float is part of the program: call fit_many once for each."
        )
    return found


def _paths(model: Model) -> Iterator[tuple[Layer, str]]:
    """Every layer with its name, inner ones with those of the layers around it before."""
    names: dict[str, str] = {"": ""}
    for path, layer in instances(model):
        if path:
            around = names.get(path.rsplit("/", 2)[0], "")
            names[path] = f"{around}/{layer.name}" if around else layer.name
            yield layer, names[path]


def _numbers(layer: Any, path: str) -> Iterator[tuple[str, _Place]]:
    """The floats of a layer's config, and of its regularizers and the like, which attributes hold."""
    config: dict[str, Any] = layer.get_config()
    for name, value in config.items():
        owners: list[Any] = [layer, getattr(layer, "cell", layer)]
        owner = next((owner for owner in owners if name in vars(owner)), None)
        if owner is None:
            continue
        held: Any = vars(owner)[name]
        if isinstance(value, dict) and hasattr(held, "get_config"):
            inner: dict[str, Any] = held.get_config()
            for part in inner:
                if _is_number(vars(held).get(part)):
                    yield f"{path}/{name}/{part}", _Place(held, part)
        elif _is_number(held):
            yield f"{path}/{name}", _Place(owner, name)


def _is_number(value: Any) -> bool:
    return isinstance(value, (float, np.floating)) or (
        isinstance(value, np.ndarray) and value.ndim == 0 and value.dtype.kind == "f"
    )

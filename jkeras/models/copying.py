"""Copies and pickles of a model: its file in memory, the user's own things by reference."""

# pyright: reportPrivateUsage=false
from __future__ import annotations

import copyreg
import functools
from typing import Any, TypeAlias

import jax

from jkeras import saving
from jkeras.core.names import function_name
from jkeras.core.types import Function
from jkeras.engine.layer.config import argument_names
from jkeras.engine.tree import instances
from jkeras.models.compiled import Compiled
from jkeras.optimizers import Optimizer

_NEW: Function = vars(copyreg)["__newobj__"]  # `cls.__new__(cls)`, as pickle knows it

Users: TypeAlias = dict[str, Any]  # classes and functions of the user's, by name

_FUNCTIONS = ("train_function", "test_function", "predict_function")
_MADE_ANEW = ("_trainer", "_predictor", "_results", "history", *_FUNCTIONS)
_OPTIMIZER = "_state_of_optimizer"


def reduce(model: Compiled) -> tuple[Any, ...]:
    """The recipe of a model, for `__reduce__`.

    A graph of layers is written as `save` writes it. A subclassed model is the object itself, without what
    training compiled, and with the state of its optimizer.
    """
    if model._graph is None and not hasattr(model, "_chain"):
        state = vars(model) | dict.fromkeys(_MADE_ANEW)
        if model._trainer is not None and model.optimizer is not None:
            model._trainer.prepare()
            state[_OPTIMIZER] = model.optimizer.state_dict()
        return _NEW, (type(model),), state
    file: dict[str, Any] = {}
    saving.save_model(model, file)
    return rebuild, (file, _of_the_user(model), model.optimizer is not None)


def refill(model: Compiled, state: dict[str, Any]) -> None:
    """Give a copy of a subclassed model what `reduce` took from the original, for `__setstate__`."""
    optimizer = state.pop(_OPTIMIZER, None)
    vars(model).update(state)
    if optimizer is not None and model.optimizer is not None:
        model._trainer = model._make_trainer()
        model._trainer.prepare()
        model.optimizer.load_state_dict(optimizer)


def rebuild(file: dict[str, Any], users: Users, compiled: bool) -> Compiled:
    """The model of a recipe."""
    return saving.load_model(file, custom_objects=users, compile=compiled)


def _of_the_user(model: Compiled) -> Users:
    """Classes of layers and named functions that a config only names."""
    layers = [inner for _, inner in instances(model)]
    values: list[Any] = [
        getattr(layer, name, None) for layer in layers for name in argument_names(type(layer))
    ]
    values += jax.tree.leaves(
        [getattr(model, kind, None) for kind in ("loss", "metrics", "weighted_metrics")]
    )
    values += _optimizers(getattr(model, "optimizer", None))
    named = [_named(v) for v in values if callable(v)]
    return {
        function_name(v): v
        for v in (*map(type, layers), *named)
        if not v.__module__.startswith("jkeras.") and function_name(v) != "<lambda>"
    }


_UNNAMED: tuple[type, ...] = (functools.partial,)  # the class of which says nothing


def _named(value: Any) -> Any:
    """A function or class itself; of another object its class."""
    is_named = hasattr(value, "__name__") or isinstance(value, _UNNAMED)
    return value if is_named else value.__class__


def _optimizers(optimizer: object) -> list[type[Optimizer]]:
    """The optimizer and those that it wraps."""
    if not isinstance(optimizer, Optimizer):
        return []
    return [type(optimizer), *(c for inner in vars(optimizer).values() for c in _optimizers(inner))]

"""Optimizers by name, config, or as whatever else `compile` accepts."""

# pyright: reportMissingTypeStubs=false
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import optax

from jkeras.core.registry import deserialize_keras_object, get_custom_objects, serialize_keras_object
from jkeras.optimizers._builtin import SGD, Adadelta, Adagrad, Adam, Adamax, Nadam, RMSprop, TFOptimizer
from jkeras.optimizers._by_path import ByPath
from jkeras.optimizers._later import Adafactor, AdamW, Ftrl, Lamb, Lion, Muon, ScheduleFreeAdamW
from jkeras.optimizers._optimizer import Optimizer
from jkeras.optimizers._wrapped import OptaxOptimizer

_KERAS_2 = (SGD, RMSprop, Adagrad, Adadelta, Adam, Adamax, Nadam)
_KERAS_3 = (AdamW, Lion, Lamb, Adafactor, Muon, Ftrl, ScheduleFreeAdamW)
_CLASSES = {c.__name__: c for c in (*_KERAS_2, *_KERAS_3, ByPath, TFOptimizer)}


def serialize(optimizer: Optimizer) -> dict[str, Any]:
    """An optimizer as `{"class_name": ..., "config": ...}`.

    Raises:
        ValueError: for a wrapped optax transformation, which is a function.

    Keras 2.2.4: keras/optimizers.py serialize.

    Example:
        >>> serialize(SGD(lr=0.5))["config"]["lr"]
        0.5
    """
    return serialize_keras_object(optimizer)


def deserialize(config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The optimizer that `serialize` wrote down.

    Args:
        config: `{"class_name": ..., "config": ...}`; built-in names in any case.
        custom_objects: classes of your own by name; they win over the built-in ones.

    Raises:
        ValueError: if the name is unknown.

    Keras 2.2.4: keras/optimizers.py deserialize.

    Example:
        >>> deserialize({"class_name": "sgd", "config": {"lr": 0.5}}).get_config()["lr"]
        0.5
    """
    name = config.get("class_name")
    own = {**get_custom_objects(), **(custom_objects or {})}
    if isinstance(name, str) and name not in own:
        name = {n.lower(): n for n in _CLASSES}.get(name.lower(), name)
        config = {**config, "class_name": name}
    if name == ByPath.__name__ and name not in own:
        parts = [deserialize(part, custom_objects) for part in config["config"]["optimizers"]]
        patterns = config["config"]["patterns"]
        return ByPath({pattern: None if i is None else parts[i] for pattern, i in patterns})
    return deserialize_keras_object(dict(config), _CLASSES, custom_objects, "optimizer")


def get(identifier: Any) -> Any:
    """The optimizer that `identifier` stands for.

    Args:
        identifier: one of
            - an optimizer, returned as it is;
            - a name in any case (`"rmsprop"`), which stands for the defaults;
            - a dictionary as `serialize` makes it;
            - a dictionary of these by patterns of the paths of weights, `{"head/*": "adam", "*": "sgd"}`, see
              `ByPath`; None or "freeze" for weights that are not trained;
            - an `optax.GradientTransformation` (or `optax.MultiSteps`), wrapped in an `OptaxOptimizer`;
            - a schedule, a function from the number of steps done to the learning rate: `SGD(lr=schedule)`.

    Raises:
        ValueError: if it is none of these.

    Keras 2.2.4: keras/optimizers.py get.

    Example:
        >>> type(get("ADAM")).__name__, type(get(optax.sgd(0.1))).__name__
        ('Adam', 'OptaxOptimizer')
        >>> get(optax.linear_schedule(0.5, 0.0, 10)).lr.value.item()
        0.5
    """
    if isinstance(identifier, Optimizer):
        return identifier
    if isinstance(identifier, Mapping):
        given = cast("Mapping[str, Any]", identifier)
        if "class_name" in given:
            return deserialize(given)
        if not given:
            raise ValueError("An empty dict is no optimizer: give it patterns, {'*': 'adam'}.")
        return ByPath({p: None if o is None or o == "freeze" else get(o) for p, o in given.items()})
    if isinstance(identifier, str):
        return deserialize({"class_name": identifier, "config": {}})
    if isinstance(identifier, (optax.GradientTransformation, optax.MultiSteps)):
        return OptaxOptimizer(identifier)
    if isinstance(identifier, type):
        name: str = identifier.__name__
        raise ValueError(f"{name} is a class: pass an optimizer, as in {name}().")
    if callable(identifier):
        return SGD(lr=identifier)
    raise ValueError(
        f"Could not interpret optimizer identifier: {identifier!r}. Expected an optimizer, one of the names "
        f"{', '.join(list(_CLASSES)[:-2])}, a config, an optax.GradientTransformation or a schedule."
    )

"""Functions of `Lambda` layers, with tf-keras in the place of jkeras."""

from __future__ import annotations

import types
from typing import Any

from jkeras.engine.tree import instances
from jkeras.layers.lambda_layer import Lambda


def rebuilt(model: Any, keras: Any) -> Any:
    """The class that stands for `Lambda` while tf-keras builds a model.

    Args:
        model: whose functions it takes, by the names of layers.
        keras: the module `tf_keras`: what functions know as jkeras, they find there.
    """
    functions = {layer.name: layer.function for _, layer in instances(model) if isinstance(layer, Lambda)}

    class Rebuilt(keras.layers.Lambda):
        @classmethod
        def from_config(cls, config: Any, custom_objects: Any = None) -> Any:
            return cls(
                _moved(functions[config["name"]], keras),
                arguments=config.get("arguments"),
                name=config["name"],
                dtype=config.get("dtype"),
            )

    return Rebuilt


def _moved(function: Any, keras: Any) -> Any:
    """A copy of a function for which the modules and functions of jkeras are those of tf-keras."""
    if not isinstance(function, types.FunctionType):
        return _counterpart(function, keras)
    names = function.__code__.co_names
    known = function.__globals__
    scope = {**known, **{name: _counterpart(known[name], keras) for name in names if name in known}}
    cells = function.__closure__ and tuple(
        types.CellType(_counterpart(cell.cell_contents, keras)) for cell in function.__closure__
    )
    copy = types.FunctionType(function.__code__, scope, function.__name__, function.__defaults__, cells)
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


def _counterpart(value: Any, keras: Any) -> Any:
    """The thing that tf-keras has under the name that something has in jkeras; everything else as it is."""
    module = value.__name__ if isinstance(value, types.ModuleType) else getattr(value, "__module__", None)
    if not isinstance(module, str) or module.partition(".")[0] not in ("jkeras", "keras"):
        return value
    if isinstance(value, types.ModuleType):
        found: Any = keras
        for part in module.split(".")[1:]:
            found = getattr(found, part)
        return found
    return getattr(getattr(keras, module.split(".")[1]), value.__name__)

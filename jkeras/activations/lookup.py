"""Activations by name."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from jkeras.activations import gates, rectifiers, smooth
from jkeras.activations.smooth import linear
from jkeras.core.registry import deserialize_keras_object
from jkeras.core.snapshot import settled
from jkeras.core.types import Function

_BUILT_IN: dict[str, Function] = {
    name: value
    for module in (rectifiers, gates, smooth)
    for name, value in vars(module).items()
    if getattr(value, "__module__", "") == module.__name__ and not name.startswith("_")
}


def serialize(activation: Any) -> str:
    """The name of an activation.

    Args:
        activation: a named function.

    Returns:
        Its name.

    Raises:
        ValueError: if it has none, like a layer.

    Example:
        >>> serialize(rectifiers.relu)
        'relu'

    Keras 2.2.4: keras/activations.py serialize
    """
    if not hasattr(activation, "__name__"):
        raise ValueError(
            f"The activation {activation!r} has no name to be saved by. Use a named function, or add an "
            "activation layer (such as LeakyReLU) to the model as a layer of its own."
        )
    return activation.__name__


def deserialize(name: Any, custom_objects: Mapping[str, Any] | None = None) -> Function:
    """The activation called `name`.

    Args:
        name: the name.
        custom_objects: names of your own.

    Returns:
        The function.

    Raises:
        ValueError: if the name is unknown.

    Example:
        >>> deserialize("swash", {"swash": abs})(-1)
        1

    Keras 2.2.4: keras/activations.py deserialize
    """
    return deserialize_keras_object(name, _BUILT_IN, custom_objects, "activation function")


def get(identifier: Any) -> Any:
    """The activation that an argument `activation=...` means.

    Args:
        identifier: None (linear), a name, or a function. A layer works too, with a warning.

    Returns:
        The function.

    Raises:
        ValueError: if the name is unknown or `identifier` is something else.

    Example:
        >>> get(None) is linear, get("relu") is rectifiers.relu
        (True, True)

    Keras 2.2.4: keras/activations.py get
    """
    if identifier is None:
        return linear
    if isinstance(identifier, str):
        return deserialize(identifier)
    if not callable(identifier):
        raise ValueError(f"Could not interpret activation function identifier: {identifier!r}")
    if isinstance(identifier, type) and hasattr(identifier, "pure"):
        raise ValueError(
            f"{identifier.__name__} is the class of a layer: add {identifier.__name__}() to the model as a "
            "layer of its own, or name a function, as in activation='relu'."
        )
    if hasattr(identifier, "pure"):  # a layer; its class lives on a higher floor
        warnings.warn(
            f"Do not pass a layer instance (such as {type(identifier).__name__}) as the activation argument "
            "of another layer. Instead, advanced activation layers should be used just like any other layer "
            "in a model.",
            stacklevel=2,
        )
    return settled(identifier)

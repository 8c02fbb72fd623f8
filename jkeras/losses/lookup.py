"""Losses by name."""

from __future__ import annotations

from typing import Any

from jkeras.core.registry import (
    deserialize_keras_object,
    get_function,
    serialize_keras_object,
)
from jkeras.core.types import Function
from jkeras.losses import (
    crossentropy,
    crossentropy_classes,
    margins,
    overlaps,
    regression,
    regression_classes,
)
from jkeras.losses.loss import Loss

_BUILT_IN = {
    name: value
    for module in (
        regression,
        crossentropy,
        margins,
        overlaps,
        regression_classes,
        crossentropy_classes,
    )
    for name, value in vars(module).items()
    if getattr(value, "__module__", "") == module.__name__ and not name.startswith("_")
}


def serialize(loss: Function) -> Any:
    """Write a loss function down.

    Args:
        loss: a named function, or an object with `get_config`.

    Returns:
        Its name, or `{"class_name", "config"}`.

    Example:
        >>> serialize(regression.mean_squared_error)
        'mean_squared_error'

    Keras 2.2.4: keras/losses.py serialize
    """
    return serialize_keras_object(loss)


def deserialize(name: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The loss function that `serialize` wrote.

    Args:
        name: a name, or `{"class_name", "config"}`.
        custom_objects: names of your own.

    Returns:
        The function or object.

    Raises:
        ValueError: if the name is unknown.

    Example:
        >>> deserialize("mse") is regression.mean_squared_error
        True
        >>> deserialize({"class_name": "Huber", "config": {"delta": 0.5}}).delta
        0.5

    Keras 2.2.4: keras/losses.py deserialize
    """
    return deserialize_keras_object(name, _BUILT_IN, custom_objects, "loss function")


def get(identifier: Any) -> Any:
    """The loss function that an argument of `compile()` means.

    Args:
        identifier: None, a name, a config dictionary, a `Loss`, its class, or a function of (y_true, y_pred).

    Returns:
        The function, or None.

    Raises:
        ValueError: if the name is unknown or of a metric, or `identifier` is something else.

    Example:
        >>> get("mse") is regression.mean_squared_error
        True
        >>> get("Huber").delta
        1.0

    Keras 2.2.4: keras/losses.py get
    """
    if identifier is None:
        return None
    if identifier in ("accuracy", "acc"):
        raise ValueError(f"{identifier!r} is a metric without a gradient: metrics=[{identifier!r}].")
    found: Any = get_function(identifier, _BUILT_IN, "loss function")
    return found() if _is_class(found) else found


def _is_class(found: object) -> bool:
    return isinstance(found, type) and issubclass(found, Loss)

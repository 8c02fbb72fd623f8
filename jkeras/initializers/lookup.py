"""From names and configs to initializers and back, and drawing from any of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np
from jax.typing import DTypeLike

from jkeras.core import bits
from jkeras.core.dispatch import Symbolic
from jkeras.core.registry import deserialize_keras_object, get_configured, has_arg, serialize_keras_object
from jkeras.core.settings import floatx
from jkeras.core.types import Array, Key
from jkeras.initializers import classes, named, scaled
from jkeras.initializers.arrays import filled
from jkeras.initializers.classes import Initializer

BUILT_IN: dict[str, Any] = {
    name: value
    for module in (classes, scaled, named)
    for name, value in vars(module).items()
    if getattr(value, "__module__", "") == module.__name__ and not name.startswith("_")
}


def serialize(initializer: Any) -> Any:
    """Write an initializer down.

    Args:
        initializer: an initializer or a named function.

    Returns:
        `{"class_name", "config"}`, or the function's name.

    Example:
        >>> serialize(classes.Zeros())
        {'class_name': 'Zeros', 'config': {}}

    Keras 2.2.4: keras/initializers.py serialize
    """
    return serialize_keras_object(initializer)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """Build an initializer from what `serialize` wrote.

    Args:
        config: `{"class_name", "config"}`, or a name, which gives the class or function itself.
        custom_objects: names of your own.

    Returns:
        The initializer.

    Raises:
        ValueError: if the name is unknown.

    Example:
        >>> deserialize({"class_name": "Constant", "config": {"value": 3}}).value
        3

    Keras 2.2.4: keras/initializers.py deserialize
    """
    return deserialize_keras_object(config, BUILT_IN, custom_objects, "initializer")


def get(identifier: Any) -> Any:
    """The initializer that an argument `kernel_initializer=...` means.

    Args:
        identifier: a name, a config dictionary, an `Initializer`, or a function of `shape` (and `dtype`).

    Returns:
        The initializer, or the function.

    Raises:
        ValueError: if the name is unknown or `identifier` is something else.

    Example:
        >>> get("he_normal").scale
        2.0

    Keras 2.2.4: keras/initializers.py get
    """
    return get_configured(identifier, BUILT_IN, "initializer", Initializer)


def draw(init: Any, key: Key | None, shape: Sequence[int], dtype: DTypeLike | None = None) -> Array:
    """Values for a weight from any initializer: ours as pure functions of `key`, the user's by calling them.

    Args:
        init: anything that `get` takes.
        key: a `jax.random` key, None for a fresh one; the user's own functions do not see it.
        shape: tuple of ints.
        dtype: type of the values, None for `floatx()`.

    Returns:
        The array.

    Raises:
        ValueError: if a user's function returns another shape.

    Example:
        >>> draw(lambda shape: np.ones(shape), jax.random.key(0), (2,)).tolist()
        [1.0, 1.0]
    """
    init = get(init)
    if isinstance(init, Initializer) and type(init).__call__ is Initializer.__call__:
        return init.draw(key, shape, dtype)
    values = init(shape, dtype=dtype or floatx()) if has_arg(init, "dtype", True) else init(shape)
    values = values.eval() if isinstance(values, Symbolic) else values  # K.variable, K.random_normal
    if np.shape(values) != tuple(shape):
        name = getattr(init, "__name__", type(init).__name__)
        raise ValueError(f"Initializer {name} returned shape {np.shape(values)}, expected {tuple(shape)}.")
    if isinstance(values, jax.Array):
        return values.astype(bits.supported(dtype or floatx(), "A weight"))
    return filled(values, shape, dtype)

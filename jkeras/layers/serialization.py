"""Layers from their configs and back: `serialize`, `deserialize`."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Generator, Mapping
from typing import Any, TypeVar

from jkeras.core import registry
from jkeras.core.types import AnyDict
from jkeras.engine.base_layer import Layer

Make = TypeVar("Make", bound=Callable[..., Layer])
_known: dict[str, Any] = {"Layer": Layer}  # jkeras's own layers, by all of their names


def serialize(layer: Layer) -> dict[str, Any]:
    """`{"class_name", "config"}` of a layer.

    Args:
        layer: any layer.

    Returns:
        A dictionary for `deserialize`.

    Keras 2.2.4: keras/layers/__init__.py serialize

    Example:
        >>> serialize(Layer(name="same"))
        {'class_name': 'Layer', 'config': {'name': 'same', 'trainable': True}}
    """
    return {"class_name": type(layer).__name__, "config": layer.get_config()}


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """A new layer (or model) from `{"class_name", "config"}`.

    Args:
        config: the dictionary.
        custom_objects: name → class or function, for what is not jkeras's own.

    Returns:
        The layer, not built.

    Raises:
        ValueError: an unknown class.

    Keras 2.2.4: keras/layers/__init__.py deserialize

    Example:
        >>> deserialize({"class_name": "Layer", "config": {"name": "same"}}).name
        'same'
    """
    if not isinstance(config, AnyDict) or config.get("class_name") not in _known:
        _known.update({c.__name__: c for c in _descendants(Layer) if c.__module__.startswith("jkeras.")})
        names = vars(sys.modules["jkeras.layers"])  # `Convolution2D` is `Conv2D` there
        _known.update({n: c for n, c in names.items() if isinstance(c, type) and issubclass(c, Layer)})
    inside = config.get("config") if isinstance(config, AnyDict) else None
    with noted(inside.get("name") if isinstance(inside, AnyDict) else None):
        return registry.deserialize_keras_object(
            config,
            module_objects=_known,
            custom_objects=custom_objects,
            printable_module_name="layer",
        )


def called_as_class(make: Make) -> Make:
    """Let files of Keras 1 name a function in the place of a class."""
    _known[make.__name__] = make
    return make


@contextlib.contextmanager
def noted(name: Any) -> Generator[None]:
    """Note in an error that it comes from the config of this layer.

    Example:
        >>> try:
        ...     with noted("d"):
        ...         1 / 0
        ... except ZeroDivisionError as error:
        ...     print(error.__notes__)
        ["in the config of 'd'"]
    """
    try:
        yield
    except Exception as error:
        if name is not None and not hasattr(error, "__notes__"):  # the innermost says it
            error.add_note(f"in the config of {name!r:.100}")
        raise


def _descendants(cls: type[Any]) -> Generator[type[Any]]:
    for inner in cls.__subclasses__():
        yield inner
        yield from _descendants(inner)

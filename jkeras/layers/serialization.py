"""Layers from their configs and back: `serialize`, `deserialize`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from jkeras.core import registry
from jkeras.engine.base_layer import Layer


def serialize(layer: Layer) -> dict:
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


def deserialize(config, custom_objects: Mapping | None = None):
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
    known = {cls.__name__: cls for cls in _descendants(Layer) if cls.__module__.startswith("jkeras.")}
    return registry.deserialize_keras_object(
        config,
        module_objects={"Layer": Layer} | known,
        custom_objects=custom_objects,
        printable_module_name="layer",
    )


def _descendants(cls: type) -> Iterator[type]:
    for inner in cls.__subclasses__():
        yield inner
        yield from _descendants(inner)

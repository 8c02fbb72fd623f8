"""The names that Keras 3 gives to the places of a model's weights: `layers/dense_1/vars/0`.

A layer is named by its class and by how many of this class come before it in its model; what wraps others, by
the attribute that holds them. The same walk serves reading and writing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from jkeras.core.types import AnyDict
from jkeras.saving.contents import LayerContents

# Classes that Keras 3 exports under another name than their own.
_CLASSES = {"Model": "Functional", "GroupQueryAttention": "GroupedQueryAttention"}
_DIRECTIONS, _INSIDE = ("forward_layer", "backward_layer"), ("layer", "cell")


def snake_case(name: str) -> str:
    """The name of a class as Keras 3 writes it in paths.

    Example:
        >>> [snake_case(name) for name in ("Conv2DTranspose", "SimpleRNN", "PReLU", "Dense")]
        ['conv2d_transpose', 'simple_rnn', 'p_re_lu', 'dense']
    """
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def numbered(classes: list[str]) -> list[str]:
    """The keys of layers in a list, by their classes.

    Example:
        >>> numbered(["InputLayer", "Dense", "Model", "Dense"])
        ['input_layer', 'dense', 'functional', 'dense_1']
    """
    counts: dict[str, int] = {}
    keys: list[str] = []
    for name in classes:
        key = snake_case(_CLASSES.get(name, name))
        counts[key] = counts.get(key, -1) + 1
        keys.append(f"{key}_{counts[key]}" if counts[key] else key)
    return keys


def keys_of_config(config: Mapping[str, Any], path: str = "") -> dict[tuple[str, str], str]:
    """Keys of the layers of a model's configuration: (path of the model, name of the layer) → its key."""
    found: dict[tuple[str, str], str] = {}
    layers = config.get("config", {}).get("layers", ()) if isinstance(config.get("config"), AnyDict) else ()
    for key, layer in zip(numbered([layer["class_name"] for layer in layers]), layers, strict=True):
        found[path, layer["config"].get("name", layer.get("name"))] = key
        found |= keys_of_config(layer, f"{path}layers/{key}/")
    return found


def weights_by_place(
    layer: Any, known: Mapping[tuple[str, str], str], path: str = ""
) -> Iterator[tuple[str, Any]]:
    """(place, weight) of every weight below a model.

    Args:
        layer: a built model or layer.
        known: keys that a file gives to layers, by path of the model and name of the layer; the others are
            numbered.
        path: of `layer`, with a slash at its end.
    """
    if hasattr(layer, "layers") and not hasattr(layer, "forward_layer"):
        children = list(layer.layers)
        keys = numbered([type(child).__name__ for child in children])
        for child, key in zip(children, keys, strict=True):
            yield from weights_by_place(child, known, f"{path}layers/{known.get((path, child.name), key)}/")
        return
    names = _DIRECTIONS if hasattr(layer, "forward_layer") else _INSIDE
    parts = [(name, part) for name in names if hasattr(part := getattr(layer, name, None), "weights")]
    parts += [(place, layer.children()[name]) for name, place in _own_places(layer).items()]
    cells = getattr(layer, "cells", None)
    if cells is not None:
        keys = numbered([type(cell).__name__ for cell in cells])
        parts = [(f"cells/{key}", cell) for key, cell in zip(keys, cells, strict=True)]
    yield from ((path + place, weight) for place, weight in getattr(layer, "weight_places", ()))
    if not parts:
        yield from ((f"{path}vars/{i}", weight) for i, weight in enumerate(layer.weights))
    for name, part in parts:
        yield from weights_by_place(part, known, f"{path}{name}/")


def _own_places(layer: Any) -> Mapping[str, str]:
    """How files call the inner layers of a layer of many parts."""
    places: Mapping[str, str] = getattr(layer, "inner_places", {})
    return {name: place for name, place in places.items() if name in layer.children()}


def arranged(
    arrays: Mapping[str, np.ndarray], layers: list[Any], known: Mapping[tuple[str, str], str], model: Any
) -> list[LayerContents]:
    """The arrays of a file that names places, layer by layer in the order of `layers`.

    Args:
        arrays: by place.
        layers: of the model, built.
        known: as in `weights_by_place`.
        model: the model around them.

    Raises:
        ValueError: the file lacks an array of a layer.
    """
    place_of = {weight: place for place, weight in weights_by_place(model, known)}
    contents: list[LayerContents] = []
    for layer in layers:
        missing = [place_of[w] for w in layer.weights if place_of[w] not in arrays]
        if len(missing) == len(layer.weights):
            continue  # a layer that the file does not have; the caller says so
        if missing:
            raise ValueError(
                f'layer "{layer.name}": the file has no {missing[0]}; it has {sorted(arrays)[:8]}.'
            )
        contents.append(LayerContents(layer.name, [(w.name, arrays[place_of[w]]) for w in layer.weights]))
    return contents

"""A layer and its inner layers as trees: values by variable on one side, nested views by name on the other.

`values` is `{id(variable): array}` wherever it occurs. An instance that stands at several places of a tree
has one set of variables; its first place counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import jax.numpy as jnp


def walk(layer, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every (path, layer) at every place, outermost first: `0003/dense_2`, `0001/model_1/0000/dense_1`."""
    yield path, layer
    for i, (name, child) in enumerate(layer.children().items()):
        yield from walk(child, f"{path}/{i:04d}/{name}".lstrip("/"))


def instances(layer) -> list[tuple[str, Any]]:
    """Every instance once, at its first place."""
    seen: set[int] = set()
    found = []
    for path, inner in walk(layer):
        if id(inner) not in seen:
            seen.add(id(inner))
            found.append((path, inner))
    return found


def variables_of(layers) -> list:
    """Every variable of these layers and of their inner layers."""
    return list(
        dict.fromkeys(
            v
            for layer in layers
            for _, inner in walk(layer)
            for v in (*inner._params.values(), *inner._state.values())
        )
    )


def carried(layer) -> set[int]:
    """ids of the variables that carry states from batch to batch: every call within a run starts from what
    they are before it, as in Keras, where updates come after the outputs."""
    return {id(v) for _, inner in instances(layer) if inner.stateful for v in inner._state.values()}


def flags(layer, holds: Callable, found: set[int] | None = None) -> set[int]:
    """ids of the instances that have a place where they and all around them satisfy `holds`."""
    found = set() if found is None else found
    if holds(layer):
        found.add(id(layer))
        for child in layer.children().values():
            flags(child, holds, found)
    return found


def gather(layer, read: Callable) -> tuple[dict, dict]:
    """The nested (params, state) of a layer, each variable replaced by `read(variable)`."""
    params = {name: read(v) for name, v in layer._params.items()}
    state = {name: read(v) for name, v in layer._state.items()}
    for name, child in layer.children().items():
        inner_params, inner_state = gather(child, read)
        if inner_params:
            params[name] = inner_params
        if inner_state:
            state[name] = inner_state
    return params, state


def bind(layer, params, state, values: dict) -> dict:
    """Fill `values` from nested params and state; a place that is absent is skipped, a first place wins."""
    for cells, tree in ((layer._params, params), (layer._state, state)):
        for name, variable in cells.items():
            if name in tree:
                values.setdefault(id(variable), tree[name])
    for name, child in layer.children().items():
        bind(child, params.get(name, {}), state.get(name, {}), values)
    return values


def scatter(layer, state, write: Callable) -> None:
    """Call `write(variable, array)` for every entry of a nested state that a layer returned."""
    children = layer.children()
    for name, value in state.items():
        if name in layer._state:
            variable = layer._state[name]
            write(variable, _like(layer, name, variable, value))
        elif name in children:
            scatter(children[name], value, write)
        else:
            raise ValueError(
                f"Layer {layer.name!r} returned a state {name!r} that it did not declare in init."
            )


def _like(layer, name: str, variable, value):
    """A new state in the dtype of the old one; another shape (it would recompile) is refused."""
    if jnp.shape(value) != variable.shape:
        raise ValueError(
            f"The state {name!r} of layer {layer.name!r} has shape {variable.shape}, but the layer returned "
            f"{jnp.shape(value)} for it."
        )
    return jnp.asarray(value, variable.dtype)


def collect(layer, values: dict, seen: set[int] | None = None) -> tuple[dict, dict]:
    """The nested (params, state) of the variables in `values`, every instance at its first place only."""
    seen = set() if seen is None else seen
    if id(layer) in seen:
        return {}, {}
    seen.add(id(layer))
    params, state = (
        {name: values[id(v)] for name, v in cells.items() if id(v) in values}
        for cells in (layer._params, layer._state)
    )
    for name, child in layer.children().items():
        inner_params, inner_state = collect(child, values, seen)
        if inner_params:
            params[name] = inner_params
        if inner_state:
            state[name] = inner_state
    return params, state

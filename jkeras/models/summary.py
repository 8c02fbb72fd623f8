"""The text of `model.summary()`, to the letter as Keras 2.2.4 prints it."""

# pyright: reportPrivateUsage=false
from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np

from jkeras.engine.base_layer import Layer
from jkeras.engine.tensors.variable import Variable
from jkeras.models.structure import Structure

Show: TypeAlias = Callable[[str], object]  # takes a line


def print_summary(
    model: Structure,
    line_length: int | None = None,
    positions: Sequence[float] | None = None,
    print_fn: Show | None = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
) -> None:
    """Print one row for each layer, then the numbers of parameters.

    Args:
        model: a built model.
        line_length: total width; default 65, or 98 with the column of connections.
        positions: ends of the columns, relative to the width or absolute.
        print_fn: called with each line; default `print`.
        expand_nested: whether the layers of a model inside follow it, set in.
        show_trainable: whether a last column says if a layer is trained: Y or N.
    """
    chain = _is_chain(model)
    line_length = line_length or (65 if chain else 98)
    positions = positions or ([0.45, 0.85, 1.0] if chain else [0.33, 0.55, 0.67, 1.0])
    ends = [int(line_length * p) if positions[-1] <= 1 else int(p) for p in positions]
    show: Show = print_fn or print
    titles = ["Layer (type)", "Output Shape", "Param #"] + ([] if chain else ["Connected to"])
    if show_trainable:
        titles, ends, line_length = [*titles, "Trainable"], [*ends, line_length + 10], line_length + 10

    show("_" * line_length)
    show(_row(titles, ends))
    show("=" * line_length)
    rows = list(_layers(model, expand_nested))
    for i, (owner, layer, depth) in enumerate(rows):
        links = [] if chain else _links(owner, layer)
        name = "|  " * depth + f"{layer.name} ({type(layer).__name__})"
        fields = [name, _shape(layer), layer.count_params(), *([] if chain else [*links, ""][:1])]
        show(_row([*fields, "NY"[layer.trainable]] if show_trainable else fields, ends))
        for link in links[1:]:
            show(_row(["", "", "", link], ends))
        show(("=" if i == len(rows) - 1 else "_") * line_length)
    _show_totals(model, show)
    show("_" * line_length)


def _layers(model: Structure, expand: bool, depth: int = 0) -> Iterator[tuple[Structure, Layer, int]]:
    """Each row's model, layer and depth."""
    for layer in model.layers:
        yield model, layer, depth
        inner: Any = layer
        if expand and hasattr(layer, "run_internal_graph"):  # a network
            yield from _layers(inner, expand, depth + 1)


def _show_totals(model: Structure, show: Show) -> None:
    trained: list[Variable] | None = getattr(model, "compiled_trainable_weights", None)
    trainable = _count(model.trainable_weights if trained is None else trained)
    fixed = _count(model.non_trainable_weights)
    show(f"Total params: {trainable + fixed:,}")
    show(f"Trainable params: {trainable:,}")
    show(f"Non-trainable params: {fixed:,}")


def _count(weights: Iterable[Variable]) -> int:
    return int(sum(np.prod(v.shape) for v in dict.fromkeys(weights)))


def _row(fields: list[Any], positions: list[int]) -> str:
    line = ""
    for i, (field, end) in enumerate(zip(fields, positions, strict=False)):
        line = (line[:-1] + " " if i else "") + str(field)
        line = line[:end].ljust(end)
    return line


def _shape(layer: Layer) -> str:
    try:
        return str(layer.output_shape)
    except (AttributeError, NotImplementedError):
        return "multiple"


def _is_chain(model: Structure) -> bool:
    """Whether every layer follows the one before it, so that the connections need no column."""
    graph = model._graph
    if graph is None or type(model).__name__ == "Sequential":
        return True
    for nodes in graph.nodes_by_depth.values():
        if len(nodes) > 1 or len(nodes[0].inbound_layers) > 1:
            return False
    return all(sum(n in graph.layer_nodes for n in layer.inbound_nodes) <= 1 for layer in model.layers)


def _links(model: Structure, layer: Layer) -> list[str]:
    links: list[str] = []
    graph = model._graph
    for node in layer.inbound_nodes:
        if graph is not None and node in graph.layer_nodes:
            for tensor in node.inputs:
                owner, node_index, tensor_index = tensor._keras_history
                links.append(
                    f"{owner.name if owner is not None else tensor.name}[{node_index}][{tensor_index}]"
                )
    return links

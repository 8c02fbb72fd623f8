"""The config of a graph of layers: Keras's JSON structure, written and read."""

from __future__ import annotations

import collections
import json
import warnings

import jax
import numpy as np

from jkeras.engine.tensors.symbolic import Node, Tensor
from jkeras.layers.serialization import deserialize


def graph_config(model, graph) -> dict:
    """`{"name", "layers", "input_layers", "output_layers"}` as Keras 2.2.4 writes it."""
    kept = _kept_nodes(graph)
    layers = [
        {
            "name": layer.name,
            "class_name": type(layer).__name__,
            "config": layer.get_config(),
            "inbound_nodes": [
                _node_config(node, kept)
                for node in layer.inbound_nodes
                if node in graph.layer_nodes and node.args
            ],
        }
        for layer in graph.layers
    ]
    return {
        "name": model.name,
        "layers": layers,
        "input_layers": [_place(t, kept) for t in graph.inputs],
        "output_layers": [_place(t, kept) for t in graph.outputs],
    }


def _kept_nodes(graph) -> dict[Node, int]:
    """For each node its number among the nodes of its layer that belong to this graph."""
    numbers: dict[Node, int] = {}
    for layer in graph.layers:
        first = 1 if getattr(layer, "_graph", None) is not None else 0  # a model's own node is number 0
        nodes = [n for n in layer.inbound_nodes if n in graph.layer_nodes]
        numbers |= {n: first + i for i, n in enumerate(nodes)}
    return numbers


def _place(tensor: Tensor, kept: dict[Node, int]) -> list:
    if tensor.node.owner is None:
        raise ValueError(
            f"{tensor!r} was computed by the function {tensor.node!r} outside a layer, which a config cannot "
            "keep. Put the computation into a Lambda layer or a layer of your own."
        )
    if tensor.node not in kept:
        raise ValueError(
            f"The model begins in the middle of another: {tensor!r} is not part of it. A config cannot keep "
            "that; clone_model gives a model that begins with an Input."
        )
    return [tensor.node.owner.name, kept[tensor.node], tensor.index]


def _node_config(node, kept: dict[Node, int]) -> list:
    kwargs = {k: v for k, v in node.kwargs.items() if v is not None}
    try:
        json.dumps(kwargs)
    except TypeError:
        warnings.warn(
            f"Layer {node.owner.name!r} was called with arguments that a config cannot keep: "
            f"{sorted(kwargs)}; they are left out.",
            stacklevel=2,
        )
        kwargs = {}
    tensors = jax.tree.leaves(node.args[0], is_leaf=lambda x: isinstance(x, Tensor))
    return [[*_place(t, kept), kwargs] for t in tensors]


def graph_from_config(cls, config: dict, custom_objects: dict | None):
    """Build the layers, then make their calls in the order in which their inputs become available."""
    names = [c["name"] for c in config["layers"]]
    if len(set(names)) < len(names):
        twice = sorted({n for n, many in collections.Counter(names).items() if many > 1})
        raise ValueError(f"The config of model {config.get('name')!r} has several layers named {twice[:3]}.")
    layers = {c["name"]: deserialize({**c, "config": c["config"]}, custom_objects) for c in config["layers"]}
    offset = {n: 1 if getattr(layer, "_graph", None) is not None else 0 for n, layer in layers.items()}
    waiting = [(c["name"], i, node) for c in config["layers"] for i, node in enumerate(c["inbound_nodes"])]
    made = {
        (c["name"], 0): list(layers[c["name"]].inbound_nodes[0].outputs)
        for c in config["layers"]
        if not c["inbound_nodes"] and layers[c["name"]].inbound_nodes
    }
    while waiting:
        later = []
        for name, number, entries in waiting:
            if all((e[0], e[1]) in made for e in entries) and (
                not number or (name, number - 1 + offset[name]) in made
            ):
                made[name, number + offset[name]] = _call(layers[name], entries, made)
            else:
                later.append((name, number, entries))
        if len(later) == len(waiting):
            raise ValueError(
                f"The config of model {config.get('name')!r} is broken: no inputs for {later[:3]}."
            )
        waiting = later
    ends = [[made[e[0], e[1]][e[2]] for e in config[key]] for key in ("input_layers", "output_layers")]
    return cls(inputs=ends[0], outputs=ends[1], name=config.get("name"))


def _call(layer, entries: list, made: dict) -> list:
    tensors = [made[e[0], e[1]][e[2]] for e in entries]
    kwargs = entries[0][3] if len(entries[0]) > 3 else {}
    y = layer(tensors if len(tensors) > 1 or _wants_list(layer) else tensors[0], **kwargs)
    return list(y) if isinstance(y, (list, tuple)) else [y]


def _wants_list(layer) -> bool:
    return bool(getattr(layer, "takes_list", False))


def plain(value):
    """Numpy values in a config as Python ones, for JSON."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    raise TypeError(f"{value!r} of type {type(value).__name__} cannot be written as JSON.")

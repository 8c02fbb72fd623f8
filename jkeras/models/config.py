"""The config of a graph of layers: Keras's JSON structure, written and read."""

from __future__ import annotations

import collections
import heapq
import json
import warnings
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple, TypeAlias, TypeVar, cast

import jax

from jkeras.core.types import AnyList, AnyTuple
from jkeras.engine.base_layer import Layer
from jkeras.engine.call.discovery import is_tensor
from jkeras.engine.graph import Graph
from jkeras.engine.tensors.symbolic import Node, Tensor
from jkeras.layers.serialization import deserialize, noted
from jkeras.models.structure import Structure

M = TypeVar("M", bound=Structure)
Place: TypeAlias = list[Any]  # [layer, number of the call, number of the tensor], perhaps [..., keywords]
Key: TypeAlias = tuple[str, int]  # of a call: the name of the layer, and the number among its calls
Made: TypeAlias = dict[Key, list[Tensor]]  # the outputs of calls


def graph_config(model: Structure, graph: Graph) -> dict[str, Any]:
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
        **({} if model.output_keys is None else {"output_keys": model.output_keys}),
    }


def _kept_nodes(graph: Graph) -> dict[Node, int]:
    """For each node its number among the nodes of its layer that belong to this graph."""
    numbers: dict[Node, int] = {}
    for layer in graph.layers:
        first = 1 if getattr(layer, "_graph", None) is not None else 0  # a model's own node is number 0
        nodes = [n for n in layer.inbound_nodes if n in graph.layer_nodes]
        numbers |= {n: first + i for i, n in enumerate(nodes)}
    return numbers


def _place(tensor: Tensor, kept: dict[Node, int]) -> Place:
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


def _node_config(node: Node, kept: dict[Node, int]) -> list[Place]:
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
    tensors: list[Tensor] = jax.tree.leaves(node.args[0], is_leaf=is_tensor)
    return [[*_place(t, kept), kwargs] for t in tensors]


def graph_from_config(
    make: Callable[..., M], config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None
) -> M:
    """Build the layers, then make their calls in the order in which their inputs become available."""
    entries = cast("list[dict[str, Any]]", config["layers"])
    for c in entries:
        _check_nodes(c)
    names: list[str] = [c["name"] for c in entries]
    if len(set(names)) < len(names):
        twice = sorted({n for n, many in collections.Counter(names).items() if many > 1})
        raise ValueError(f"The config of model {config.get('name')!r} has several layers named {twice[:3]}.")
    layers: dict[str, Layer] = {
        c["name"]: deserialize({**c, "config": c["config"]}, custom_objects) for c in entries
    }
    offset = {n: 1 if getattr(layer, "_graph", None) is not None else 0 for n, layer in layers.items()}
    made: Made = {
        (c["name"], 0): list(layers[c["name"]].inbound_nodes[0].outputs)
        for c in entries
        if not c["inbound_nodes"] and layers[c["name"]].inbound_nodes
    }
    calls = [
        _Call(c["name"], number + offset[c["name"]], number > 0, places)
        for c in entries
        for number, places in enumerate(c["inbound_nodes"])
    ]
    for call in _ordered(calls, made, f"The config of model {config.get('name')!r}"):
        made[call.name, call.number] = _called(layers[call.name], call, made)
    if not config["output_layers"]:
        raise ValueError(f"The config of model {config.get('name')!r} names no outputs.")
    inputs, outputs = (
        [_tensor(e, made) for e in cast("list[Place]", config[key])]
        for key in ("input_layers", "output_layers")
    )
    keys = config.get("output_keys")
    if keys is not None and (len({*keys}) != len(outputs) or not all(isinstance(key, str) for key in keys)):
        raise ValueError(
            f"The config of model {config.get('name')!r} needs a name for each output; got {keys!r}."
        )
    named = outputs if keys is None else dict(zip(keys, outputs, strict=True))
    return make(inputs=inputs, outputs=named, name=config.get("name"))


def _check_nodes(config: dict[str, Any]) -> None:
    """Refuse a layer without a name, or whose calls are no lists of [layer, call, tensor]."""
    name, nodes = config["name"], config["inbound_nodes"]
    if not isinstance(name, str):
        raise ValueError(f"a layer of class {config.get('class_name')!r} has the name {name!r:.100}.")
    for entries in nodes if isinstance(nodes, AnyList) else [nodes]:
        good = isinstance(entries, AnyList) and entries and all(map(_is_place, entries))
        if not good:
            raise ValueError(
                f"a call of layer {name!r} is {entries!r:.100}; expected a list of [layer, call, tensor]."
            )


def _is_place(entry: object) -> bool:
    return (
        isinstance(entry, (AnyList, AnyTuple))
        and len(entry) >= 3
        and isinstance(entry[0], str)
        and all(isinstance(n, int) for n in entry[1:3])
        and isinstance(entry[3] if len(entry) > 3 else {}, dict)
    )


class _Call(NamedTuple):
    name: str  # of the layer
    number: int  # of the call, among those of the layer
    follows: bool  # one with the number before
    entries: list[Place]  # one for each input

    @property
    def needs(self) -> set[Key]:
        before: set[Key] = {(self.name, self.number - 1)} if self.follows else set()
        return {(entry[0], entry[1]) for entry in self.entries} | before


def _ordered(calls: list[_Call], made: Collection[Key], what: str) -> list[_Call]:
    """The calls in the order of sweeps through the list, each of which makes what has its inputs.

    Raises:
        ValueError: a call needs what nobody makes, or itself.
    """
    missing = [call.needs - set(made) for call in calls]
    users: collections.defaultdict[Key, list[int]] = collections.defaultdict(list)
    for i, needs in enumerate(missing):
        for need in needs:
            users[need].append(i)
    sweeps = [0] * len(calls)
    ready = [(0, i) for i, needs in enumerate(missing) if not needs]
    order: list[_Call] = []
    while ready:
        sweep, i = heapq.heappop(ready)
        order.append(calls[i])
        for user in users[calls[i].name, calls[i].number]:
            missing[user].discard((calls[i].name, calls[i].number))
            sweeps[user] = max(sweeps[user], sweep + (user < i))
            if not missing[user]:
                heapq.heappush(ready, (sweeps[user], user))
    if len(order) < len(calls):
        raise ValueError(f"{what} is broken: {_complaint(calls, missing, made)}.")
    return order


def _complaint(calls: list[_Call], missing: list[set[Key]], made: Collection[Key]) -> str:
    there = {(call.name, call.number) for call in calls} | set(made)
    for call, needs in zip(calls, missing, strict=True):
        for name, number in sorted(needs - there, key=str):
            what = "which is called fewer times" if any(n == name for n, _ in there) else "which is not in it"
            return f"layer {call.name!r} takes the output of call {number} of {name!r}, {what}"
    waiting = list(dict.fromkeys(call.name for call, needs in zip(calls, missing, strict=True) if needs))
    return f"the layers {waiting[:5]} wait for each other, in a ring"


def _tensor(entry: Place, made: Made) -> Tensor:
    outputs: list[Tensor] = made.get((entry[0], entry[1]), [])
    index: int = entry[2]
    if not 0 <= index < len(outputs):
        raise ValueError(
            f"the config names output {index} of call {entry[1]} of layer {entry[0]!r}, which has "
            f"{len(outputs)} outputs there."
        )
    return outputs[index]


def _called(layer: Layer, call: _Call, made: Made) -> list[Tensor]:
    tensors = [_tensor(entry, made) for entry in call.entries]
    kwargs: dict[str, Any] = call.entries[0][3] if len(call.entries[0]) > 3 else {}
    with noted(call.name):
        y = layer(tensors if len(tensors) > 1 or _wants_list(layer) else tensors[0], **kwargs)
    return list(y) if isinstance(y, (AnyList, AnyTuple)) else [y]


def _wants_list(layer: Layer) -> bool:
    return bool(getattr(layer, "takes_list", False))

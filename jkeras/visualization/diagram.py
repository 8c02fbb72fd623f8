"""The content of a picture of a model: boxes, the edges between them, and models inside of it as diagrams."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

from jkeras.engine.base_layer import Layer
from jkeras.engine.graph import Graph
from jkeras.engine.tensors.symbolic import Node, Tensor
from jkeras.layers.wrappers import Wrapper
from jkeras.models.network import Network
from jkeras.models.sequential import Sequential


class Box(NamedTuple):
    """A layer, or a function over tensors.

    Args:
        key: tells it apart from all others of the picture.
        label: its name and class.
        shapes: of its inputs and outputs, as text; None where they are not shown.
    """

    key: str
    label: str
    shapes: tuple[str, str] | None


class End(NamedTuple):
    """The beginning or end of an edge: a part of a diagram, and which output or input of it."""

    key: str
    slot: int = 0


class Edge(NamedTuple):
    """An arrow between two parts of a diagram."""

    source: End
    target: End


@dataclasses.dataclass
class Diagram:
    """A model: its parts (boxes, and diagrams of the models inside) and what connects them.

    Args:
        key, label: as of a `Box`.
        parts: by key, in the order of the layers.
        edges: in the order of the layers that they lead to.
        inputs, outputs: the parts that the model's inputs and outputs are.
    """

    key: str
    label: str
    parts: dict[str, Box | Diagram]
    edges: list[Edge]
    inputs: list[End]
    outputs: list[End]

    def box_at(self, end: End, inward: bool) -> str:
        """The key of the box that an end of an edge comes to, through the diagrams around it."""
        part = self.parts[end.key]
        return part.key if isinstance(part, Box) else part.box_at(part.port(end.slot, inward), inward)

    def port(self, slot: int, inward: bool) -> End:
        """The part that the edge to an input, or from an output, goes on to."""
        ends = self.inputs if inward else self.outputs
        return ends[min(slot, len(ends) - 1)]


def diagram(
    model: Any,
    show_shapes: bool = False,
    show_layer_names: bool = True,
    expand_nested: bool = False,
    show_dtype: bool = False,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
) -> Diagram:
    """The diagram of a model that is a graph of layers.

    Args:
        model: a `Model` or `Sequential`.
        show_shapes: whether boxes show the shapes of inputs and outputs.
        show_layer_names: whether labels begin with the layer's name.
        expand_nested: whether models inside are diagrams of their own instead of boxes.
        show_dtype, show_layer_activations, show_trainable: what labels say in brackets behind the class.

    Raises:
        ValueError: it is no model, not built, or a subclass that computes in its own `call`.

    Example:
        >>> from jkeras.layers import Dense
        >>> from jkeras.models import Sequential
        >>> model = Sequential([Dense(4, input_shape=(3,), name="a"), Dense(1, name="b")])
        >>> [part.label for part in diagram(model).parts.values()]
        ['a_input: InputLayer', 'a: Dense', 'b: Dense']
    """
    if not isinstance(model, Network):
        raise ValueError(f"Only a model can be drawn, Sequential or Model; got {model!r}.")
    if graph_of(model) is None:
        raise ValueError(f"Model {model.name!r} cannot be drawn: {why_no_graph(model)}")
    facts = (show_layer_activations, show_dtype, show_trainable)
    return _Drawing(show_shapes, show_layer_names, expand_nested, facts).of(model, model)


def graph_of(model: Any) -> Graph | None:
    """The graph of a model that has one with something in it."""
    graph = model._graph
    return graph if graph is not None and graph.layers else None


def why_no_graph(model: Any) -> str:
    """The reason why a model cannot be drawn, and what to do."""
    if isinstance(model, Sequential):
        return (
            "it is not built yet. Give its first layer an input_shape, call model.build(batch_input_shape), "
            "or fit it on data first."
        )
    return (
        f"{type(model).__name__} computes in its own call, so its layers are no graph. "
        "Model(inputs, outputs) makes one."
    )


@dataclasses.dataclass
class _Drawing:
    show_shapes: bool
    show_layer_names: bool
    expand_nested: bool
    facts: tuple[bool, bool, bool]  # which of activation, dtype and being trained labels tell
    keys: set[str] = dataclasses.field(default_factory=set[str])

    def of(self, model: Any, owner: Any) -> Diagram:
        """The diagram of `model`, for which `owner` (itself, or a wrapper around it) stands outside."""
        graph = graph_of(model)
        assert graph is not None
        nodes = [n for n in graph.nodes if n not in graph.hidden]
        functions = [n for n in nodes if n.owner is None]
        known = set(nodes) | graph.layer_nodes
        key = self._key(owner)
        parts = {layer: self._part(layer) for layer in graph.layers}
        parts |= {node: self._function(node) for node in functions}
        ends = _Ends({maker: part.key for maker, part in parts.items()})
        calls = [n for layer in graph.layers for n in layer.inbound_nodes if n in known]
        given = set(graph.inputs)
        edges = [
            Edge(ends.of(tensor), End(ends.key(node), slot))
            for node in [*calls, *functions]
            if not all(t in given for t in node.outputs)
            for slot, tensor in enumerate(node.inputs)
            if tensor.node in known
        ]
        return Diagram(
            key,
            self._label(owner),
            {part.key: part for part in parts.values()},
            edges,
            [ends.of(t) for t in graph.inputs],
            [ends.of(t) for t in graph.outputs],
        )

    def _key(self, thing: Any) -> str:
        """As in Keras the place in memory; with a number where a layer occurs in several models."""
        key, count = str(id(thing)), 1
        while key in self.keys:
            count += 1
            key = f"{id(thing)}_{count}"
        self.keys.add(key)
        return key

    def _part(self, layer: Any) -> Box | Diagram:
        inner = layer.layer if isinstance(layer, Wrapper) else layer
        if self.expand_nested and isinstance(inner, Network) and graph_of(inner) is not None:
            return self.of(inner, layer)
        shapes = (_shapes(layer, "input_shape"), _shapes(layer, "output_shape"))
        return Box(self._key(layer), self._label(layer), shapes if self.show_shapes else None)

    def _function(self, node: Node) -> Box:
        label = getattr(node.fn, "__name__", type(node.fn).__name__).strip("_")
        shapes = tuple(_text([tuple(t.shape) for t in tensors]) for tensors in (node.inputs, node.outputs))
        return Box(self._key(node), label, (shapes[0], shapes[1]) if self.show_shapes else None)

    def _label(self, layer: Layer) -> str:
        name, kind = layer.name, type(layer).__name__
        if isinstance(layer, Wrapper):
            name, kind = f"{name}({layer.layer.name})", f"{kind}({type(layer.layer).__name__})"
        facts = [fact for fact, shown in zip(_facts(layer), self.facts, strict=True) if shown and fact]
        kind += f" ({', '.join(facts)})" if facts else ""
        return f"{name}: {kind}" if self.show_layer_names else kind


def _facts(layer: Layer) -> tuple[str, str, str]:
    activation = getattr(layer, "activation", None)
    return getattr(activation, "__name__", ""), layer.dtype, "trained" if layer.trainable else "not trained"


class _Ends(NamedTuple):
    """The parts of a diagram by what makes their tensors: a layer, or the node of a function."""

    keys: dict[Layer | Node, str]

    def key(self, node: Node) -> str:
        return self.keys[node.owner if node.owner is not None else node]

    def of(self, tensor: Tensor) -> End:
        return End(self.key(tensor.node), tensor.index)


def _shapes(layer: Any, what: str) -> str:
    try:
        return str(getattr(layer, what))
    except AttributeError:
        return "multiple"


def _text(shapes: list[Any]) -> str:
    return str(shapes[0] if len(shapes) == 1 else shapes)

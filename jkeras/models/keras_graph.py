"""How Keras keeps the graph of a model; converters and analysers walk it, nothing in jkeras itself does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from jkeras.engine.base_layer import Layer
from jkeras.engine.graph import Graph
from jkeras.engine.layer.keras_internals import node_key
from jkeras.engine.tensors.symbolic import Node, Tensor

Coordinates: TypeAlias = tuple[Layer | None, int, int]  # layer, number of its call, number of the tensor
ByDepth: TypeAlias = dict[int, list[Layer]]


def _coordinates(tensors: list[Tensor]) -> list[Coordinates]:
    return [(t.node.owner, t.node.position, t.index) for t in tensors]


def _layers(tensors: list[Tensor]) -> list[Layer | None]:
    return [t.node.owner for t in tensors]


def _nodes_by_depth(graph: Graph) -> dict[int, list[Node]]:
    """The calls of layers; functions over tensors, which have no layer, are left out."""
    by_depth = {
        depth: [n for n in nodes if n.owner is not None] for depth, nodes in graph.nodes_by_depth.items()
    }
    return {depth: nodes for depth, nodes in by_depth.items() if nodes}


def _layers_by_depth(graph: Graph) -> ByDepth:
    depths: dict[Layer, int] = {}
    for depth, nodes in sorted(_nodes_by_depth(graph).items()):
        depths |= {n.owner: depth for n in nodes}
    by_depth: ByDepth = {}
    for layer in graph.layers:
        by_depth.setdefault(depths[layer], []).append(layer)
    return dict(sorted(by_depth.items()))


def _keys(graph: Graph) -> set[str]:
    nodes = (n for nodes in _nodes_by_depth(graph).values() for n in nodes)
    return {node_key(n.owner.name, n.position) for n in nodes}


class KerasGraph:
    """Mixin of `Network`: its graph in Keras's words.

    Keras 2.2.4: keras/engine/network.py Network
    """

    _body: Any

    if TYPE_CHECKING:

        @property
        def inputs(self) -> list[Tensor]: ...
        @property
        def outputs(self) -> list[Tensor]: ...

    @property
    def _layers(self) -> list[Layer]:
        """The layers with those that the data come in by."""
        return self._body.layers()

    def _graph_or_complain(self, what: str) -> Graph:
        raise AssertionError(f"{what}: a network defines this")

    @property
    def _input_layers(self) -> list[Layer | None]:
        return _layers(self.inputs)

    @property
    def _output_layers(self) -> list[Layer | None]:
        return _layers(self.outputs)

    @property
    def _input_coordinates(self) -> list[Coordinates]:
        """Those of each input."""
        return _coordinates(self.inputs)

    @property
    def _output_coordinates(self) -> list[Coordinates]:
        """Those of each output."""
        return _coordinates(self.outputs)

    @property
    def _nodes_by_depth(self) -> dict[int, list[Node]]:
        """The calls of layers by their longest way to an output."""
        return _nodes_by_depth(self._graph_or_complain("_nodes_by_depth"))

    @property
    def _layers_by_depth(self) -> ByDepth:
        """The layers by their longest way to an output."""
        return _layers_by_depth(self._graph_or_complain("_layers_by_depth"))

    @property
    def _network_nodes(self) -> set[str]:
        """The keys of the calls that belong to the model."""
        return _keys(self._graph_or_complain("_network_nodes"))

    # Names of Keras before 2.2.

    _container_nodes = container_nodes = _network_nodes
    input_layers, output_layers = _input_layers, _output_layers
    nodes_by_depth, layers_by_depth = _nodes_by_depth, _layers_by_depth


def map_graph_network(
    inputs: list[Tensor], outputs: list[Tensor]
) -> tuple[set[str], dict[int, list[Node]], list[Layer], ByDepth]:
    """The keys of the calls between inputs and outputs, the calls by depth, the layers, the layers by depth.

    Keras 2.2.4: keras/engine/network.py _map_graph_network
    """
    graph = Graph(list(inputs), list(outputs))
    return _keys(graph), _nodes_by_depth(graph), graph.layers, _layers_by_depth(graph)

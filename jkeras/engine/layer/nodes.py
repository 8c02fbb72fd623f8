"""A layer's calls: input and output tensors, shapes and masks, for one node or by index."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias, TypeGuard

import jax
import numpy as np

from jkeras.core.lists import unpacked
from jkeras.core.types import AnyList, AnyTuple, Tree
from jkeras.engine.tensors.symbolic import Node, Tensor, mask_tensor
from jkeras.engine.tensors.variable import Variable

Input: TypeAlias = Tensor | Variable | np.ndarray[Any, Any] | jax.Array
Inputs: TypeAlias = Input | Sequence[Input | None]  # of a layer's call


class SeveralNodesError(AttributeError, AssertionError):
    """`layer.output` of a layer that was called several times: ambiguous."""


class NodeAccess:
    """Mixin of `Layer`: views of `inbound_nodes`."""

    name: str
    inbound_nodes: list[Node]
    outbound_nodes: list[Node]

    def _node(self, index: int, what: str) -> Node:
        if not self.inbound_nodes:
            raise RuntimeError(
                f"Layer {self.name!r} was never called on a symbolic tensor, so it has no {what}. "
                "Call it on an Input, or add it to a model that has an input shape."
            )
        if not -len(self.inbound_nodes) <= index < len(self.inbound_nodes):
            raise ValueError(
                f"Asked for the {what} of layer {self.name!r} at node {index}, but it has "
                f"{len(self.inbound_nodes)} nodes."
            )
        return self.inbound_nodes[index]

    def _only(self, what: str) -> Node:
        if len(self.inbound_nodes) > 1:
            raise SeveralNodesError(
                f"Layer {self.name!r} has multiple inbound nodes, so its {what} is ill-defined. "
                f"Use get_{what.replace(' ', '_')}_at(node_index) instead."
            )
        if not self.inbound_nodes:
            raise AttributeError(
                f"Layer {self.name!r} has no {what}: it was never called on a symbolic tensor (an Input, or "
                "the output of another layer)."
            )
        return self.inbound_nodes[0]

    @property
    def _inbound_nodes(self) -> list[Node]:
        """Keras's name of `inbound_nodes`."""
        return self.inbound_nodes

    @_inbound_nodes.setter
    def _inbound_nodes(self, nodes: list[Node]) -> None:
        self.inbound_nodes = nodes

    @property
    def _outbound_nodes(self) -> list[Node]:
        """Keras's name of `outbound_nodes`."""
        return self.outbound_nodes

    @_outbound_nodes.setter
    def _outbound_nodes(self, nodes: list[Node]) -> None:
        self.outbound_nodes = nodes

    @property
    def input(self) -> Tree:
        """The input tensor (a list for several) of the only call."""
        return _inputs(self._only("input"))

    @property
    def output(self) -> Tree:
        """The output tensor (a list for several) of the only call."""
        return unpacked(self._only("output").outputs)

    @property
    def input_shape(self) -> Any:
        """Shape of the input, the same in all calls."""
        return self._same([_shapes(_inputs(n)) for n in self.inbound_nodes], "input shape")

    @property
    def output_shape(self) -> Any:
        """Shape of the output, the same in all calls."""
        return self._same([_shapes(unpacked(n.outputs)) for n in self.inbound_nodes], "output shape")

    def _same(self, shapes: list[Any], what: str) -> Any:
        if not shapes:
            raise AttributeError(f"Layer {self.name!r} was never called, so it has no {what}.")
        if any(s != shapes[0] for s in shapes[1:]):
            raise SeveralNodesError(
                f"Layer {self.name!r} has multiple inbound nodes with different shapes {shapes}, so its "
                f"{what} is ill-defined. Use get_{what.replace(' ', '_')}_at(node_index) instead."
            )
        return shapes[0]

    def get_input_at(self, node_index: int) -> Tree:
        """Input tensor(s) of the call with this number."""
        return _inputs(self._node(node_index, "input"))

    def get_output_at(self, node_index: int) -> Tree:
        """Output tensor(s) of the call with this number."""
        return unpacked(self._node(node_index, "output").outputs)

    def get_input_shape_at(self, node_index: int) -> Any:
        """Input shape(s) of the call with this number."""
        return _shapes(_inputs(self._node(node_index, "input shape")))

    def get_output_shape_at(self, node_index: int) -> Any:
        """Output shape(s) of the call with this number."""
        return _shapes(unpacked(self._node(node_index, "output shape").outputs))

    def get_input_mask_at(self, node_index: int) -> Any:
        """Input mask(s) of the call with this number."""
        return jax.tree.map(mask_tensor, _inputs(self._node(node_index, "input mask")), is_leaf=_is_tensor)

    def get_output_mask_at(self, node_index: int) -> Any:
        """Output mask(s) of the call with this number."""
        return unpacked([mask_tensor(t) for t in self._node(node_index, "output mask").outputs])

    @property
    def input_mask(self) -> Any:
        """Mask(s) of the only call's input."""
        self._only("input mask")
        return self.get_input_mask_at(0)

    @property
    def output_mask(self) -> Any:
        """Mask(s) of the only call's output."""
        self._only("output mask")
        return self.get_output_mask_at(0)


def _is_tensor(x: object) -> TypeGuard[Tensor]:
    return isinstance(x, Tensor)


def _inputs(node: Node) -> Tree:
    if not node.args:
        return unpacked(node.outputs)  # an input layer: its input is its output
    return node.args[0]


def _shapes(tensors: Tree) -> Any:
    if isinstance(tensors, (AnyList, AnyTuple)):
        return [_shapes(t) for t in tensors]
    return tuple(tensors.shape)

"""Calls that a layer's own `__call__` records by hand, as packages do; nothing in jkeras itself needs it.

class Recurrent(Layer):
    def __call__(self, x):
        output = self.call(x)  # on symbolic tensors
        self._add_inbound_node(x, output, None, None, K.int_shape(x), K.int_shape(output))
        return output
"""

# pyright: reportPrivateUsage=false
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import jax

from jkeras.core.lists import as_list, unpacked
from jkeras.core.types import Out, Tree
from jkeras.engine.call.calling import infer_call
from jkeras.engine.call.discovery import users_layers
from jkeras.engine.graph import Graph
from jkeras.engine.tensors import symbolic
from jkeras.engine.tensors.symbolic import Tensor, substitute
from jkeras.engine.tensors.variable import current_frame
from jkeras.engine.tree import carried, variables_of

if TYPE_CHECKING:
    from jkeras.engine.base_layer import Layer


class _AnyNode(type):
    """Counts every call as one."""

    def __instancecheck__(cls, thing: object) -> bool:
        return isinstance(thing, symbolic.Node)


class Node(symbolic.Node, metaclass=_AnyNode):
    """A call whose outputs have been computed already; from now on they belong to the layer.

    Whatever runs the call computes what lies between the input tensors and the output tensors, and not the
    layer's `call` again. Inputs that are variables or arrays are constants of that. A node without inputs is
    where data, or a variable, come in.

    Args:
        outbound_layer: the layer that is called.
        inbound_layers, node_indices, tensor_indices: where the inputs come from; they know it themselves.
        input_tensors, output_tensors: lists of tensors.
        input_masks, output_masks, input_shapes, output_shapes: the tensors know theirs.
        arguments: keyword arguments of the call.

    Raises:
        ValueError: an output depends on inputs that are not listed, or the layer is a built-in one, which
            computes its outputs from its weights.

    Keras 2.2.4: keras/engine/base_layer.py Node
    """

    def __init__(
        self,
        outbound_layer: Layer,
        inbound_layers: Sequence[Layer | None],
        node_indices: Sequence[int | None],
        tensor_indices: Sequence[int | None],
        input_tensors: Sequence[Any],
        output_tensors: Sequence[Any],
        input_masks: Sequence[Any] = (),
        output_masks: Sequence[Any] = (),
        input_shapes: Sequence[Any] = (),
        output_shapes: Sequence[Any] = (),
        arguments: Mapping[str, Any] | None = None,
    ):
        inputs = [t for t in input_tensors if isinstance(t, Tensor)]
        super().__init__(outbound_layer, None, (unpacked(inputs),) if inputs else (), {**(arguments or {})})
        if inputs:
            self._compute(outbound_layer, inputs, output_tensors)
        self._belongs(outbound_layer, list(output_tensors))

    def _compute(self, layer: Layer, inputs: list[Tensor], outputs: Sequence[Any]) -> None:
        """Let the call compute copies of the outputs, as they have been computed."""
        if layer.is_native:
            raise ValueError(
                f"Layer {layer.name!r} ({type(layer).__name__}) computes its outputs from its weights, so "
                "that a call of it cannot be made by hand: call the layer, or put it into one of your own "
                "that has a `call`."
            )
        between = Graph(inputs, _copied([t for t in outputs if isinstance(t, Tensor)], inputs))
        self.code = {inner: inner.code_now() for inner in users_layers(layer)}
        self.code[layer] = _Computed(between)
        _, masks, _, _ = infer_call(self)
        for tensor, mask in zip(outputs, masks, strict=True):
            tensor.mask_spec = mask

    def _belongs(self, layer: Layer, outputs: list[Any]) -> None:
        self.stamp()
        self.position = len(layer.inbound_nodes)
        layer.inbound_nodes.append(self)
        for owner in {t.node.owner: None for t in self.inputs}:
            if owner is not None:
                owner.outbound_nodes.append(self)
        self.outputs, self.treedef = outputs, jax.tree.structure([0] * len(outputs))
        for i, tensor in enumerate(outputs):
            if isinstance(tensor, Tensor):
                tensor.node, tensor.index, tensor.mask = self, i, None


class _Computed:
    """The code of such a call.

    Args:
        graph: from the inputs to the outputs.
    """

    made_by_hand = True  # the layer's own `__call__` takes what it wants, as in Keras

    def __init__(self, graph: Graph):
        self.graph, self.__name__ = graph, "call"

    def __call__(self, inputs: Tree, **words: Any) -> Tree:
        """The outputs, from arrays; masks travel with these."""
        frame = current_frame()
        assert frame is not None
        graph, xs = self.graph, as_list(inputs)
        layers = graph.all_layers
        held = {v for layer in layers for v in carried(layer)}
        cells = dict.fromkeys([*variables_of(layers), *graph.free_variables])
        values = {v: frame.before(v) if v in held else frame.read(v) for v in cells}
        frame.calls += 1
        ctx = frame.ctx.at(frame.calls, None)
        ys, masks, loss, metrics = graph.run(values, xs, [frame.mask_of(x) for x in xs], ctx, frame.write)
        frame.absorb(Out(ys, {}, loss=loss, metrics=metrics))
        return unpacked([frame.masked(y, m, xs) for y, m in zip(ys, masks, strict=True)])


def _copied(outputs: list[Tensor], inputs: list[Tensor]) -> list[Tensor]:
    """Tensors that stand in the place of the outputs among what their calls have made."""
    copies: dict[Tensor, Tensor] = {}
    for tensor in dict.fromkeys(outputs):
        if any(tensor is t for t in inputs):
            raise ValueError(
                f"{tensor!r} is an input and an output of one call, which would come before itself: let the "
                "output be K.identity(x)."
            )
        copy = Tensor(tensor.shape, tensor.dtype, tensor.node, tensor.index, tensor.mask_spec)
        copy.worth = tensor.worth
        copies[tensor] = tensor.node.outputs[tensor.index] = copy
    for node in Graph(inputs, list(copies.values())).nodes:  # what is between them
        if any(t in copies for t in node.inputs):
            node.args, node.kwargs = substitute((node.args, node.kwargs), lambda t: copies.get(t, t))
            node.inputs = [copies.get(t, t) for t in node.inputs]
    return [copies[t] for t in outputs]

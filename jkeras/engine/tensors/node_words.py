"""The words of Keras for a call: attributes of a `Node` that scripts and packages ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jkeras.core import types

if TYPE_CHECKING:
    from jkeras.engine.base_layer import Layer
    from jkeras.engine.tensors.symbolic import Tensor


class NodeWords:
    """A call in the words of Keras 2.2.4; nothing in the engine needs them."""

    owner: Any  # a layer, or None for a function
    inputs: list[Tensor]
    outputs: list[Tensor]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    @property
    def outbound_layer(self) -> Layer | None:
        """The layer that was called; None for a function."""
        return self.owner

    @property
    def inbound_layers(self) -> list[Layer]:
        """The layers that made the inputs."""
        return [t.node.owner for t in self._made_by_layers()]

    @property
    def node_indices(self) -> list[int]:
        """For each of `inbound_layers` the number of its call."""
        return [t.node.position for t in self._made_by_layers()]

    @property
    def tensor_indices(self) -> list[int]:
        """For each of `inbound_layers` which of the outputs of its call."""
        return [t.index for t in self._made_by_layers()]

    def _made_by_layers(self) -> list[Tensor]:
        return [t for t in self.inputs if t.node is not None and t.node.owner is not None]

    @property
    def input_tensors(self) -> list[Tensor]:
        """The inputs; of an input layer its own tensor."""
        return self.inputs if self.args else self.outputs

    @property
    def output_tensors(self) -> list[Tensor]:
        """The outputs."""
        return self.outputs

    @property
    def input_shapes(self) -> list[types.Shape]:
        """The shapes of the inputs."""
        return [tuple(t.shape) for t in self.input_tensors]

    @property
    def output_shapes(self) -> list[types.Shape]:
        """The shapes of the outputs."""
        return [tuple(t.shape) for t in self.outputs]

    @property
    def arguments(self) -> dict[str, Any]:
        """The keyword arguments of the call."""
        return self.kwargs

    def get_config(self) -> dict[str, Any]:
        """The call by names and numbers."""
        return {
            "outbound_layer": self.owner.name if self.owner is not None else None,
            "inbound_layers": [layer.name for layer in self.inbound_layers],
            "node_indices": self.node_indices,
            "tensor_indices": self.tensor_indices,
        }

"""Internals of Keras's layers that packages lean on; nothing in jkeras itself needs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from jkeras.core.lists import as_list, unpacked
from jkeras.core.types import AnyList, Tree
from jkeras.engine.layer.effects import EffectAccess, Update
from jkeras.engine.layer.hand_made import Node
from jkeras.engine.layer.nodes import NodeAccess
from jkeras.engine.tensors.symbolic import Tensor, mask_tensor

T = TypeVar("T")


def object_list_uid(object_list: Any) -> str:
    """A key for a list of objects (or one): the numbers of their places in memory.

    Keras 2.2.4: keras/utils/generic_utils.py object_list_uid
    """
    objects = object_list if isinstance(object_list, AnyList) else [object_list]
    return ", ".join(str(abs(id(x))) for x in objects)


def collect_previous_mask(input_tensors: Tree) -> Tree:
    """The mask that travels with a tensor (a list for several), or None.

    Keras 2.2.4: keras/engine/base_layer.py _collect_previous_mask
    """
    return unpacked([mask_tensor(t) if isinstance(t, Tensor) else None for t in as_list(input_tensors)])


def collect_input_shape(input_tensors: Tree) -> Any:
    """The static shape of a tensor (a list for several); None for what has none.

    Keras 2.2.4: keras/engine/base_layer.py _collect_input_shape
    """
    return unpacked([tuple(t.shape) if hasattr(t, "shape") else None for t in as_list(input_tensors)])


class LayerInternals(EffectAccess):
    """Mixin of `Layer`: attributes that Keras keeps for itself.

    Keras 2.2.4: keras/engine/base_layer.py Layer
    """

    @property
    def _built(self) -> bool:
        return self.built

    @_built.setter
    def _built(self, value: bool) -> None:
        self.built = value

    @property
    def _initial_weights(self) -> Any:
        """The arrays of `weights=`, until `build` takes them."""
        return self._given_weights

    @_initial_weights.setter
    def _initial_weights(self, weights: Any) -> None:
        self._given_weights = weights

    @property
    def _losses(self) -> list[Any]:
        """The tensors given to `add_loss`: what is added to the list counts."""
        return self.extra_losses

    @_losses.setter
    def _losses(self, losses: list[Any]) -> None:
        self.extra_losses = losses

    @property
    def _updates(self) -> list[Update]:
        """The updates given to `add_update`: what is added to the list counts."""
        return self.extra_updates

    @_updates.setter
    def _updates(self, updates: list[Update]) -> None:
        self.extra_updates = updates

    @property
    def _per_input_losses(self) -> dict[str, list[Any]]:
        """The losses of each call, by the key of its inputs."""
        return self._per_input(self.get_losses_for)

    @_per_input_losses.setter
    def _per_input_losses(self, value: dict[str, list[Any]]) -> None:
        """Old layers begin with an empty dict, which says nothing."""
        _refuse(self, "_per_input_losses", value, "add_loss(losses, inputs)")

    @property
    def _per_input_updates(self) -> dict[str, list[Update]]:
        """The updates of each call, by the key of its inputs."""
        return self._per_input(self.get_updates_for)

    @_per_input_updates.setter
    def _per_input_updates(self, value: dict[str, list[Update]]) -> None:
        """Old layers begin with an empty dict, which says nothing."""
        _refuse(self, "_per_input_updates", value, "add_update(updates, inputs)")

    def _per_input(self, found_for: Callable[[list[Tensor]], list[T]]) -> dict[str, list[T]]:
        calls = [node.inputs for node in self.inbound_nodes if node.args]
        return {object_list_uid(inputs): value for inputs in calls if (value := found_for(inputs))}

    def _add_inbound_node(
        self,
        input_tensors: Tree,
        output_tensors: Tree,
        input_masks: Tree = None,
        output_masks: Tree = None,
        input_shapes: Any = None,
        output_shapes: Any = None,
        arguments: dict[str, Any] | None = None,
    ) -> None:
        """Record a call whose outputs have been computed, see `Node`; tensors know their masks and shapes.

        Keras 2.2.4: keras/engine/base_layer.py Layer._add_inbound_node
        """
        Node(self, [], [], [], as_list(input_tensors), as_list(output_tensors), arguments=arguments)  # type: ignore[arg-type]

    def _node_key(self, layer: NodeAccess, node_index: int) -> str:
        return node_key(layer.name, node_index)

    def _get_node_attribute_at_index(self, node_index: int, attr: str, attr_name: str) -> Any:
        """An attribute of a call, alone if it is a list of one; `attr_name` is what errors call it."""
        values = getattr(self._node(node_index, attr_name), attr)
        return values[0] if len(values) == 1 else values


def node_key(layer_name: str, node_index: int) -> str:
    """Keras's name for a call of a layer.

    Keras 2.2.4: keras/engine/network.py _make_node_key

    Example:
        >>> node_key("dense_1", 0)
        'dense_1_ib-0'
    """
    return f"{layer_name}_ib-{node_index}"


def _refuse(layer: NodeAccess, name: str, value: Any, instead: str) -> None:
    if value:
        raise ValueError(
            f"{name} of layer {layer.name!r} is made from its calls and cannot be set to {value!r}: use "
            f"layer.{instead}."
        )

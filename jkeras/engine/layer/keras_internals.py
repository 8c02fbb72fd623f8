"""Internals of Keras's layers that packages lean on; nothing in jkeras itself needs it."""

from __future__ import annotations

from typing import Any

from jkeras.core.lists import as_list, unpacked
from jkeras.engine.tensors.symbolic import Node, Tensor, mask_tensor


def object_list_uid(object_list) -> str:
    """A key for a list of objects (or one): the numbers of their places in memory.

    Keras 2.2.4: keras/utils/generic_utils.py object_list_uid
    """
    return ", ".join(
        str(abs(id(x))) for x in (object_list if isinstance(object_list, list) else [object_list])
    )


def _each(tensors, value_of) -> Any:
    return unpacked([value_of(t) for t in as_list(tensors)])


def collect_previous_mask(input_tensors):
    """The mask that travels with a tensor (a list for several), or None.

    Keras 2.2.4: keras/engine/base_layer.py _collect_previous_mask
    """
    return _each(input_tensors, lambda t: mask_tensor(t) if isinstance(t, Tensor) else None)


def collect_input_shape(input_tensors):
    """The static shape of a tensor (a list for several); None for what has none.

    Keras 2.2.4: keras/engine/base_layer.py _collect_input_shape
    """
    return _each(input_tensors, lambda t: tuple(t.shape) if hasattr(t, "shape") else None)


class LayerInternals:
    """Mixin of `Layer`: attributes that Keras keeps for itself.

    Keras 2.2.4: keras/engine/base_layer.py Layer
    """

    name: str
    built: bool
    inbound_nodes: list[Node]
    extra_losses: list
    extra_updates: list
    _given_weights: Any

    @property
    def _built(self) -> bool:
        return self.built

    @_built.setter
    def _built(self, value: bool) -> None:
        self.built = value

    @property
    def _initial_weights(self):
        """The arrays of `weights=`, until `build` takes them."""
        return self._given_weights

    @_initial_weights.setter
    def _initial_weights(self, weights) -> None:
        self._given_weights = weights

    @property
    def _losses(self) -> list:
        """The tensors given to `add_loss`: what is added to the list counts."""
        return self.extra_losses

    @_losses.setter
    def _losses(self, losses: list) -> None:
        self.extra_losses = losses

    @property
    def _updates(self) -> list:
        """The updates given to `add_update`: what is added to the list counts."""
        return self.extra_updates

    @_updates.setter
    def _updates(self, updates: list) -> None:
        self.extra_updates = updates

    @property
    def _per_input_losses(self) -> dict[str, list]:
        """The losses of each call, by the key of its inputs."""
        return self._per_input(self.get_losses_for)  # type: ignore[attr-defined]

    @_per_input_losses.setter
    def _per_input_losses(self, value: dict) -> None:
        """Old layers begin with an empty dict, which says nothing."""
        _refuse(self, "_per_input_losses", value, "add_loss(losses, inputs)")

    @property
    def _per_input_updates(self) -> dict[str, list]:
        """The updates of each call, by the key of its inputs."""
        return self._per_input(self.get_updates_for)  # type: ignore[attr-defined]

    @_per_input_updates.setter
    def _per_input_updates(self, value: dict) -> None:
        """Old layers begin with an empty dict, which says nothing."""
        _refuse(self, "_per_input_updates", value, "add_update(updates, inputs)")

    def _per_input(self, found_for) -> dict[str, list]:
        calls = [node.inputs for node in self.inbound_nodes if node.args]
        return {object_list_uid(inputs): value for inputs in calls if (value := found_for(inputs))}

    def _node_key(self, layer, node_index: int) -> str:
        return node_key(layer.name, node_index)

    def _get_node_attribute_at_index(self, node_index: int, attr: str, attr_name: str):
        """An attribute of a call, alone if it is a list of one; `attr_name` is what errors call it."""
        values = getattr(self._node(node_index, attr_name), attr)  # type: ignore[attr-defined]
        return values[0] if len(values) == 1 else values


def node_key(layer_name: str, node_index: int) -> str:
    """Keras's name for a call of a layer.

    Keras 2.2.4: keras/engine/network.py _make_node_key

    Example:
        >>> node_key("dense_1", 0)
        'dense_1_ib-0'
    """
    return f"{layer_name}_ib-{node_index}"


def _refuse(layer, name: str, value, instead: str) -> None:
    if value:
        raise ValueError(
            f"{name} of layer {layer.name!r} is made from its calls and cannot be set to {value!r}: use "
            f"layer.{instead}."
        )

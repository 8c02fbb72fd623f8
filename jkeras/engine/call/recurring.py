"""Calls of built-in layers that only repeat an earlier one: the same formula on the same shapes.

What comes out of such a call is known without tracing it again. Deep networks are made of blocks that repeat,
and tracing is what takes most of the time to build them.
"""

# pyright: reportPrivateUsage=false
from __future__ import annotations

from collections.abc import Hashable
from types import FunctionType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard

import jax.numpy as jnp

from jkeras.core import settings
from jkeras.core.types import AnyList, AnyTuple, Shape
from jkeras.engine.call.checks import functions_are_ours
from jkeras.engine.call.types import Specs
from jkeras.engine.tensors.shapes import Spec
from jkeras.engine.tensors.symbolic import Node, Tensor

if TYPE_CHECKING:
    from jkeras.engine.base_layer import Layer

_most = 4096  # entries; then all are forgotten
_HOME = "jkeras.layers."

# Attributes that a formula does not look at, or that are told by what is noted beside them.
_BESIDE = frozenset(
    "name made_at _trainable built build_shape batch_input_shape _given_weights input_spec inbound_nodes "
    "outbound_nodes extra_losses extra_updates follows extra_metrics reported "
    "_own_params _own_state _own_plans".split()
)
_ENDINGS = ("_initializer", "_regularizer", "_constraint")


class Known(NamedTuple):
    """The known outcome of a call: specs of outputs and masks, and whether there is a loss."""

    y: Specs
    masks: list[Spec | None]
    adds_loss: bool


_known: dict[Hashable, Known] = {}


def known_call(key: Hashable) -> Known | None:
    """The known outcome of the calls with this key."""
    return None if key is None else _known.get(key)


def note_call(key: Hashable, y: Specs, masks: list[Spec | None], adds_loss: bool) -> None:
    """Remember what came out of a call."""
    if key is not None:
        if len(_known) >= _most:
            _known.clear()
        _known[key] = Known(y, masks, adds_loss)


def key_of(node: Node) -> Hashable:
    """The key to the outcome of a call; None if more than the layer's arguments and shapes may matter."""
    inputs = node.args[0]
    layer: Layer = node.owner
    if node.kwargs or node.code or not type(layer).__module__.startswith(_HOME):
        return None
    if layer.activity_regularizer is not None or layer.children() or not functions_are_ours(layer):
        return None
    tensors: list[Any] = inputs if isinstance(inputs, AnyList) else [inputs]
    if not _are_plain_tensors(tensors):
        return None
    arguments = _arguments(layer)
    if arguments is None:
        return None
    seen = tuple((_of_spec(t.spec()), t.mask_spec and _of_spec(t.mask_spec)) for t in tensors)
    weights = tuple((n, v.shape, v.dtype) for own in (layer._params, layer._state) for n, v in own.items())
    modes = settings.floatx(), jnp.result_type(float)
    return type(layer), isinstance(inputs, list), seen, weights, arguments, modes


def _of_spec(spec: Spec) -> tuple[Shape, str]:
    return spec.shape, str(spec.dtype)


def _are_plain_tensors(inputs: list[Any]) -> TypeGuard[list[Tensor]]:
    return all(isinstance(t, Tensor) and t.spec().worth is None for t in inputs)


def _arguments(layer: Layer) -> Hashable:
    entries: list[tuple[str, type, object]] = []
    for name, given in vars(layer).items():
        if name not in _BESIDE and not name.endswith(_ENDINGS):
            value = _frozen(given)
            if not _is_plain(value):
                return None
            entries.append((name, type(value), value))
    return tuple(entries)


def _frozen(value: object) -> object:
    return tuple(value) if isinstance(value, AnyList) else value


def _is_plain(value: object) -> bool:
    if isinstance(value, AnyTuple):
        return all(_is_plain(v) for v in value)
    return value is None or isinstance(value, (bool, int, float, str, FunctionType))

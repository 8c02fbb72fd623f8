"""Calls of built-in layers that only repeat an earlier one: the same formula on the same shapes.

What comes out of such a call is known without tracing it again. Deep networks are made of blocks that repeat,
and tracing is what takes most of the time to build them.
"""

from __future__ import annotations

from collections.abc import Hashable
from types import FunctionType
from typing import Any, NamedTuple

import jax.numpy as jnp

from jkeras.core import settings
from jkeras.engine.call.checks import functions_are_ours
from jkeras.engine.tensors.symbolic import Node, Tensor

_most = 4096  # entries; then all are forgotten
_HOME = "jkeras.layers."

# Attributes that a formula does not look at, or that are told by what is noted beside them.
_BESIDE = frozenset(
    "name _trainable built build_shape batch_input_shape _given_weights input_spec inbound_nodes "
    "outbound_nodes extra_losses extra_updates follows extra_metrics reported "
    "_own_params _own_state _own_plans".split()
)
_ENDINGS = ("_initializer", "_regularizer", "_constraint")


class Known(NamedTuple):
    """The known outcome of a call: specs of outputs and masks, and whether there is a loss."""

    y: Any
    masks: list
    adds_loss: bool


_known: dict[Hashable, Known] = {}


def known_call(key: Hashable) -> Known | None:
    """The known outcome of the calls with this key."""
    return None if key is None else _known.get(key)


def note_call(key: Hashable, y, masks: list, adds_loss: bool) -> None:
    """Remember what came out of a call."""
    if key is not None:
        if len(_known) >= _most:
            _known.clear()
        _known[key] = Known(y, masks, adds_loss)


def key_of(node: Node) -> Hashable:
    """The key to the outcome of a call; None if more than the layer's arguments and shapes may matter."""
    layer, inputs = node.owner, node.args[0]
    if node.kwargs or node.code or not type(layer).__module__.startswith(_HOME):
        return None
    if layer.activity_regularizer is not None or layer.children() or not functions_are_ours(layer):
        return None
    tensors = inputs if isinstance(inputs, list) else [inputs]
    if not all(isinstance(t, Tensor) and t.spec().worth is None for t in tensors):
        return None
    arguments = _arguments(layer)
    if arguments is None:
        return None
    seen = tuple((_of_spec(t.spec()), t.mask_spec and _of_spec(t.mask_spec)) for t in tensors)
    weights = tuple((n, v.shape, v.dtype) for own in (layer._params, layer._state) for n, v in own.items())
    modes = settings.floatx(), jnp.result_type(float)
    return type(layer), isinstance(inputs, list), seen, weights, arguments, modes


def _of_spec(spec) -> tuple:
    return spec.shape, str(spec.dtype)


def _arguments(layer) -> tuple | None:
    entries = []
    for name, value in vars(layer).items():
        if name not in _BESIDE and not name.endswith(_ENDINGS):
            value = tuple(value) if isinstance(value, list) else value
            if not _is_plain(value):
                return None
            entries.append((name, type(value), value))
    return tuple(entries)


def _is_plain(value) -> bool:
    if isinstance(value, tuple):
        return all(_is_plain(v) for v in value)
    return value is None or isinstance(value, (bool, int, float, str, FunctionType))

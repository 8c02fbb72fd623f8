"""Warnings about models that can be trained, but hardly are what was meant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from jkeras import activations, losses
from jkeras.core.frames import warn_user
from jkeras.engine.graph import Graph
from jkeras.engine.tensors.symbolic import Tensor
from jkeras.primitives.conv_args import looks_turned

# The losses that want probabilities, and what gives them.
_OF_PROBABILITIES: dict[Any, tuple[str, str]] = {
    losses.binary_crossentropy: ("sigmoid", "BinaryCrossentropy"),
    losses.categorical_crossentropy: ("softmax", "CategoricalCrossentropy"),
    losses.sparse_categorical_crossentropy: ("softmax", "SparseCategoricalCrossentropy"),
}


def look_at(outputs: Sequence[Tensor], losses_of: Iterable[tuple[int, Any]]) -> None:
    """Warn of last layers whose activation does not go with the loss.

    Args:
        outputs: of the model.
        losses_of: pairs of the number of an output and its loss.
    """
    for number, fn in losses_of:
        output, loss = outputs[number], getattr(fn, "function", fn)
        if loss in _OF_PROBABILITIES and not getattr(fn, "from_logits", False):
            _look_at_last(output.node.owner, output.shape, *_OF_PROBABILITIES[loss], loss.__name__)


def look_at_images(graph: Graph) -> None:
    """Warn of square images whose channels are at the other end than the first layer takes them."""
    for node in graph.nodes:
        source = next((t for t in node.inputs[:1] if any(t is fed for fed in graph.inputs)), None)
        format = getattr(node.owner, "data_format", None)
        if source is None or node.owner is None or len(source.shape) != 4:
            continue
        shape = tuple(source.shape[1:])
        last = format == "channels_last"
        taken, there, turn = (shape[2], "first", "1, -1") if last else (shape[0], "last", "-1, 1")
        if looks_turned(shape, format) and len(set(shape[1:] if last else shape[:-1])) == 1:
            warn_user(
                f"Layer {node.owner.name!r} takes images of shape {shape} as having {taken} channels. Are "
                f"these {there}? Then turn the axes, np.moveaxis(x, {turn}), or give the layers "
                f"data_format='channels_{there}'."
            )


def _look_at_last(
    layer: Any, shape: Sequence[int | None], activation: str, loss_class: str, loss: str
) -> None:
    used = getattr(layer, "activation", None)
    if used is activations.linear:
        warn_user(
            f"Layer {layer.name!r} is the last one and has no activation, but {loss} takes probabilities: "
            f"give it activation={activation!r}, or compile with losses.{loss_class}(from_logits=True)."
        )
    if used is activations.softmax and shape[-1] == 1:
        warn_user(
            f"Layer {layer.name!r} takes the softmax of a single unit, which is always 1: use "
            "activation='sigmoid' with binary_crossentropy."
        )

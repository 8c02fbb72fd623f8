"""Layers alone: which one of a model it is that a converter cannot do."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import numpy as np

from jkeras.core.lists import as_list, unpacked
from jkeras.engine.input_layer import InputLayer
from jkeras.engine.tree import instances
from jkeras.export.signature import DEFAULT, Endpoint, Signature


class Alone(NamedTuple):
    """One layer as a model of its own, with new weights."""

    name: str
    pair: Any
    weights: tuple[Any, Any]

    def values(self) -> tuple[Any, Any]:
        return self.weights

    def pure(self) -> Any:
        return self.pair


def culprit(model: Any, write: Callable[[Any, Signature], Any]) -> str:
    """A sentence with the first layer that cannot be written alone.

    Args:
        model: a model that could not be written.
        write: writes a model under a signature, or raises.

    Returns:
        The sentence, after a space; "" if each layer alone can be written.
    """
    for layer, one, signature in _layers(model):
        try:
            write(one, signature)
        except ImportError:
            return ""
        except Exception as error:  # converters have many
            first = next((line for line in str(error).splitlines() if line.strip()), "")
            return (
                f" Its layer {layer.name!r} ({type(layer).__name__}) cannot: {type(error).__name__}: "
                f"{first[:200]}"
            )
    return ""


def _layers(model: Any) -> Iterator[tuple[Any, Alone, Signature]]:
    """The first layer of each class, models left out, with the shapes that it was first called on."""
    seen: set[Any] = {InputLayer}
    for _, layer in instances(model):
        kind = type(layer), getattr(layer, "function", None)  # each Lambda is a class of its own
        if type(layer) in seen or kind in seen or hasattr(layer, "layers") or not layer.inbound_nodes:
            continue
        seen.add(kind)
        node = layer.inbound_nodes[0]
        if len(as_list(node.args[0])) != len(node.inputs):
            continue  # called with more than inputs: states, for example
        ends = [Endpoint(f"x{n}", tuple(t.shape), str(t.dtype)) for n, t in enumerate(node.inputs)]
        pair = layer.pure()
        try:
            weights = pair.init(jax.random.key(0), unpacked([e.shape for e in ends]))
            some = [jax.ShapeDtypeStruct([d or 8 for d in e.shape], np.dtype(e.dtype)) for e in ends]
            made = jax.eval_shape(pair.apply, *weights, unpacked(some)).y
        except Exception:  # it needs more than its inputs: nothing is said of it
            continue
        outputs = [
            Endpoint(f"y{n}", (None, *y.shape[1:]), str(y.dtype)) for n, y in enumerate(jax.tree.leaves(made))
        ]
        yield layer, Alone(layer.name, pair, weights), Signature(DEFAULT, tuple(ends), tuple(outputs))

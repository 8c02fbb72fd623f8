"""An objective as symbolic tensors, for scripts that compute with the loss of a compiled model themselves:
`K.gradients(model.total_loss, weights)`, `K.function(model.inputs + model.targets + …, [...])`.

Training does not use them: it differentiates the objective itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from jkeras.backend.values import placeholder
from jkeras.core.dispatch import op
from jkeras.core.types import INFERENCE, Function
from jkeras.engine.layer.nodes import mask_tensor
from jkeras.engine.tensors.symbolic import Tensor
from jkeras.engine.tensors.variable import Variable
from jkeras.losses import Loss
from jkeras.training.objective.function import Objective, share, weighted


class Symbols(NamedTuple):
    """An objective as tensors.

    Args:
        targets: of each output; None for one without a loss.
        weights: of the samples of each output; None for one without a loss.
        total: the loss that training makes small.
        values: the losses of the outputs, where there are several, and the metrics.
    """

    targets: list[Tensor | Variable | None]
    weights: list[Tensor | None]
    total: Any
    values: list[Any]


def symbols(objective: Objective, outputs: Sequence[Tensor], added: Sequence[Tensor]) -> Symbols:
    """The tensors of an objective.

    Args:
        objective: of the compiled model.
        outputs: of the model.
        added: losses of layers and penalties.

    Keras 2.2.4: keras/engine/training.py Model.compile
    """
    targets: list[Any] = [None] * len(outputs)
    weights: list[Tensor | None] = [None] * len(outputs)
    for term, target in zip(objective.terms, objective.targets, strict=True):
        output, i = outputs[term.output], term.output
        shape = target.shape or (None,) * len(output.shape)
        targets[i] = target.symbol
        if targets[i] is None:
            targets[i] = placeholder(shape, dtype=output.dtype, name=f"{target.name}_target")
        axes = 2 if target.mode == "temporal" else 1
        weights[i] = placeholder(ndim=axes, name=f"{target.name}_sample_weights")

    def score(fn: Function, i: int, weight: Any) -> Any:
        mask: Any = mask_tensor(outputs[i])
        if isinstance(fn, Loss):
            y_pred: Any = outputs[i]
            return op(weighted)(fn, targets[i], y_pred, weight, mask, INFERENCE)
        return op(share)(_called(fn, targets[i], outputs[i]), weight, mask)

    parts = [score(term.fn, term.output, weights[term.output]) for term in objective.terms]
    total = sum((term.weight * part for term, part in zip(objective.terms, parts, strict=True)), 0.0)
    values = [
        score(metric.function(key), metric.output, weights[metric.output] if metric.weighted else None)
        for metric in objective.metrics
        for key in metric.keys or (None,)
    ]
    return Symbols(targets, weights, sum(added, total), (parts if objective.named_losses else []) + values)


def _called(fn: Function, y_true: Any, y_pred: Tensor) -> Any:
    """A loss or metric of tensors; one that is not made of K functions becomes a node as a whole."""
    try:
        return fn(y_true, y_pred)
    except TypeError:
        return op(fn)(y_true, y_pred)

"""Steps that a function of the user makes in the place of our program: `model.train_function = f`."""

from __future__ import annotations

from functools import partial
from typing import Any, cast

import jax
import numpy as np

from jkeras.core.lists import as_list
from jkeras.core.types import Array, Batch, Function
from jkeras.training.batching import Span
from jkeras.training.data.source import Block
from jkeras.training.objective.function import Objective
from jkeras.training.types import Numpy


def logs(function: Function, objective: Objective, block: Block, span: Span) -> Numpy:
    """The loss and the metrics of the steps of a span, one row a step.

    Args:
        function: called with the list of the inputs, the targets and the sample weights of a batch.
        objective: of the model.
        block, span: see `Trainer.run`.
    """
    width = len(objective.names)
    rows: list[list[float]] = []
    for step in range(span.start, span.stop):
        size, first = block.cut.size_of(step), step * block.cut.size
        chosen: slice | Numpy = slice(first, first + size)
        if block.order is not None:
            chosen = np.asarray(block.order)[chosen]
        batch: Batch = jax.tree.map(partial(_rows, rows=chosen), block.data)
        result = function(_listed(batch, objective, size))
        values = [float(cast(Any, np.mean(v))) for v in as_list(result)][:width]
        rows.append(values + [np.nan] * (width - len(values)))
    return np.array(rows, "float32")


def _rows(a: Array, rows: slice | Numpy) -> Numpy:
    return np.asarray(a[rows])


def _listed(batch: Batch, objective: Objective, size: int) -> list[Any]:
    """A batch as Keras lists it: where no weights are given they are ones."""
    targets = iter(batch.y)
    weights: list[Any] = []
    for target, weight in zip(objective.targets, batch.weight, strict=True):
        y = None if target.symbol is not None else next(targets)
        shape = (size, *y.shape[1:2]) if target.mode == "temporal" and y is not None else (size,)
        weights.append(np.ones(shape, "float32") if weight is None else weight)
    return [*batch.x, *batch.y, *weights]

"""One batch at a time: `train_on_batch` and its kin, and the step functions of a model."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from jkeras.core.lists import unpacked
from jkeras.core.types import AnyList
from jkeras.training.batching import Cut, Span
from jkeras.training.data import arrays
from jkeras.training.data.samples import Samples, stack
from jkeras.training.data.source import Block
from jkeras.training.run.trainer import Trainer
from jkeras.training.types import Data, Outputs, Scores, Weights


def train_on_batch(
    trainer: Trainer, x: Data, y: Data = None, sample_weight: Weights = None, class_weight: Weights = None
) -> Scores:
    """One step on one batch; see `Model.train_on_batch`."""
    samples = arrays.read(x, y, trainer.inputs, trainer.objective.targets, sample_weight, class_weight)
    trainer.prepare()
    return _one("train", trainer, samples, trainer.run)


def test_on_batch(trainer: Trainer, x: Data, y: Data = None, sample_weight: Weights = None) -> Scores:
    """Loss and metrics of one batch; see `Model.test_on_batch`."""
    samples = arrays.read(x, y, trainer.inputs, trainer.objective.targets, sample_weight)
    return _one("test", trainer, samples, trainer.run)


def _one(kind: str, trainer: Trainer, samples: Samples, run: Callable[[str, Block, Span], Any]) -> Scores:
    rows = samples.rows
    size = trainer.sizes[kind].fitting(rows) if trainer.layout.fills else rows
    # The user's own arrays will do: nobody changes them before the step is over.
    data = stack([samples], trainer.dtypes(), size, copy=trainer.keeps_batch)
    block = Block(data, Cut(rows, size), None, 0, 1)
    return unpacked(np.asarray(run(kind, block, trainer.call_span()))[0].tolist())


def predict_on_batch(trainer: Trainer, x: Data) -> Outputs:
    """Outputs for one batch; see `Model.predict_on_batch`."""
    return outputs(_to_predict(trainer, x), trainer.predict)


def _to_predict(trainer: Trainer, x: Data) -> Samples:
    return arrays.read(x, None, trainer.inputs, [], need_y=False)


def outputs(samples: Samples, predict: Callable[[Samples, int, bool], list[Any]]) -> Outputs:
    """The outputs for one batch, on the host: an array or a list; one without rows stays a number."""
    rows = samples.rows if samples.x else None
    found = predict(samples, samples.rows, False)
    return unpacked([np.array(y)[:rows] if np.ndim(y) else np.array(y) for y in found])


class StepFunction:
    """The type of `model.train_function`: called on the arrays of a batch it makes a step of our own.

    Args:
        trainer: of the model.
        kind: "train", "test" or "predict".

    Keras 2.2.4: keras/engine/training.py Model._make_train_function
    """

    def __init__(self, trainer: Trainer, kind: str):
        self.trainer, self.kind = trainer, kind

    def __call__(self, inputs: Iterable[Any]) -> list[Any]:
        """The step on one batch.

        Args:
            inputs: list of the inputs, the targets and the sample weights (of "predict": the inputs); the
                learning phase may follow.

        Returns:
            A list: loss and metrics, or the outputs.

        Raises:
            ValueError: another number of arrays, or the other learning phase.
        """
        trainer, kind = self.trainer, self.kind
        counts = [len(trainer.inputs)]
        if kind != "predict":
            counts += [len(trainer.objective.fed), len(trainer.objective.targets)]
        given = self._without_phase(list(inputs), sum(counts))
        if kind == "predict":
            values = outputs(_to_predict(trainer, given), trainer.own_outputs)
        else:
            n, m, _ = np.cumsum(counts)
            x, y, weights = given[:n], given[n:m] or None, given[m:]
            samples = arrays.read(x, y, trainer.inputs, trainer.objective.targets, weights)
            values = _one(kind, trainer, samples, trainer.own_steps)
        return values if isinstance(values, AnyList) else [values]

    def _without_phase(self, given: list[Any], count: int) -> list[Any]:
        if len(given) == count + 1:
            phase = given.pop()
            if bool(np.asarray(phase)) != (self.kind == "train"):
                raise ValueError(
                    f"The {self.kind}_function of a model has a learning phase of its own; got {phase!r}."
                )
        if len(given) != count:
            raise ValueError(
                f"The {self.kind}_function of this model takes a list of {count} arrays (inputs"
                f"{', targets and sample weights' * (self.kind != 'predict')}), and perhaps the learning "
                f"phase; got {len(given)}."
            )
        return given

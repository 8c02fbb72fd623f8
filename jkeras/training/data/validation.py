"""The data to validate on: given by the user, or cut off the training data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jkeras.core.types import AnyDict, AnyList, AnyTuple
from jkeras.training.data import counts
from jkeras.training.data.recognition import stream_only
from jkeras.training.data.samples import Samples, part
from jkeras.training.data.source import Arrays, Source, source
from jkeras.training.data.stream import Consumer, Repeat, Stream
from jkeras.training.data.workers import Supply


def parted(
    trainer: Consumer,
    train: Source,
    data: Any,
    share: float,
    steps: Any,
    batch_size: Any,
    own_size: Any,
    supply: Supply,
) -> tuple[Source, Source | None]:
    """The rest to train on, and the batches to validate on or None.

    Args:
        trainer: of the compiled model.
        train: the batches to train on.
        data, share, steps: `validation_data`, `validation_split` and `validation_steps` of `fit`.
        batch_size, own_size: `batch_size` and `validation_batch_size` of `fit`.
        supply: who fetches the batches of streams.

    Raises:
        ValueError: arguments that contradict each other or the data.
    """
    given = None if np.array_equal(steps, 0) else steps  # as in Keras
    steps = counts.steps(given, "validation_steps")
    if isinstance(data, (AnyList, AnyTuple, AnyDict)) and not data:
        data = None  # as in Keras
    if data is None and steps and not (trainer.inputs or trainer.objective.fed):
        return train, source(trainer, None, steps=steps)
    if data is not None:
        held = _given(trainer, data, own_size or batch_size, train, steps, supply)
    else:
        train, held = _cut_off(trainer, train, share, steps)
    if own_size is not None and isinstance(held, Arrays):
        held = Arrays(held.samples, counts.whole(own_size, "validation_batch_size", 1))
        held.keeps_size = True
    if steps and held is None and not isinstance(train, Stream):
        raise ValueError("`validation_steps` was given, but there is no `validation_data` to take them from.")
    return train, held


def held_out(train: Source, held: Source | None, model: Any) -> list[Any] | None:
    """The `validation_data` of callbacks: x + y + sample weights, and 0 for a learning phase.

    Args:
        train: the batches to train on.
        held: the batches to validate on, or None.
        model: its phases count if it differs between training and inference.

    Returns:
        The list, empty where arrays are trained on without validation; None for data that yield batches.
    """
    if held is None and not isinstance(train, Stream):
        return []
    if not isinstance(held, (Arrays, Repeat)):
        return None
    samples = held.samples
    ones = [np.ones(samples.rows, "float32") if w is None else w for w in samples.weight]
    return [*samples.x, *samples.y, *ones, *([0.0] if model.uses_learning_phase else [])]


def _given(
    trainer: Consumer, data: Any, batch_size: Any, train: Source, steps: int | None, supply: Supply
) -> Source:
    if isinstance(data, (AnyTuple, AnyList)):
        if len(data) not in (2, 3) or _are_batches(data, len(trainer.inputs)):
            raise ValueError(
                "When passing validation_data, it must contain 2 (x_val, y_val) or 3 (x_val, y_val, "
                f"val_sample_weights) items, however it contains {len(data)} items"
                f"{' of the form (x, y): batches are' if _are_batches(data) else '; batches would be'} taken "
                "from a generator or a `jkeras.utils.Sequence`."
            )
        x, y, weight = (*data, None)[:3]
        if isinstance(train, Arrays) and steps:
            raise ValueError(
                "Can only use `validation_steps` when doing step-wise training, i.e. `steps_per_epoch` must "
                "be set."
            )
        try:
            return source(trainer, x, y, batch_size, sample_weight=weight)
        except (ValueError, TypeError) as error:
            raise type(error)(f"`validation_data`: {error}") from error
    data = stream_only(data, "`validation_data`, where it is no tuple (x, y),")
    return source(trainer, data, steps=steps, supply=supply)


def _are_batches(data: Sequence[Any], inputs: int | None = None) -> bool:
    """Whether all items of a list are batches `(x, y)`; `inputs`: not the arrays of so many inputs."""
    return all(
        isinstance(item, (AnyTuple, AnyList))
        and len(item) in (2, 3)
        and len(item) != inputs
        and all(hasattr(a, "shape") for a in item)
        for item in data
    )


def _cut_off(
    trainer: Consumer, train: Source, share: float, steps: int | None
) -> tuple[Source, Source | None]:
    """Cut the last `share` of the samples off for validation."""
    if not share:
        return train, None
    if not 0.0 < share < 1.0:
        raise ValueError(
            f"`validation_split` should be a number from 0 to 1, and less than 1; got {share!r}."
        )
    if isinstance(train, Stream):
        raise ValueError(
            "`validation_split` needs arrays to split; for data that yield batches pass validation_data."
        )
    at = int(train.samples.rows * (1.0 - share))
    if at in (0, train.samples.rows):
        raise ValueError(
            f"`validation_split={share}` of {train.samples.rows} samples leaves {at} for training and "
            f"{train.samples.rows - at} for validation: both need some."
        )
    parts = [_rows(train.samples, start, stop) for start, stop in ((0, at), (at, train.samples.rows))]
    if isinstance(train, Repeat):
        return Repeat(parts[0], train.steps), Repeat(parts[1], steps or 1)
    if trainer.stateful and any(samples.rows % train.size for samples in parts):
        raise ValueError(
            "In a stateful network, both parts of the data must be divisible by the batch size "
            f"{train.size}; validation_split={share} leaves {parts[0].rows} and {parts[1].rows} samples."
        )
    return Arrays(parts[0], train.size, train.shuffle), Arrays(parts[1], train.size)


def _rows(samples: Samples, start: int, stop: int) -> Samples:
    columns: list[list[Any]] = [[part(a, start, stop) for a in column] for column in samples]
    return Samples(*columns)

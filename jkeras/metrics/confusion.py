"""Counts of right and wrong predictions at thresholds, and the metrics that are shares of them."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.typing import DTypeLike

from jkeras.core.settings import epsilon
from jkeras.core.types import Array
from jkeras.losses.loss import same_rank
from jkeras.metrics.metric import Metric
from jkeras.metrics.reductions import divided

_LOWEST = -1e10  # below every score
TP, FP, TN, FN = "true_positives", "false_positives", "true_negatives", "false_negatives"


class Thresholds:
    """Thresholds, and the counts of a batch at each of them.

    Args:
        values: the thresholds, in rising order where there are many.

    Example:
        >>> counts = Thresholds([0.25, 0.75]).counts(jnp.asarray([1.0, 0.0]), jnp.asarray([0.5, 0.5]), None)
        >>> counts["true_positives"].tolist(), counts["false_negatives"].tolist()
        ([1.0, 0.0], [0.0, 1.0])

    Keras 3: keras/src/metrics/metrics_utils.py update_confusion_matrix_variables
    """

    def __init__(self, values: Sequence[float]):
        self.values = np.asarray(values, "float64")
        count = len(self.values)
        even = np.arange(count, dtype=np.float32) / max(count - 1, 1)
        self.even = count >= 3 and bool(np.allclose(self.values, even, atol=epsilon()))
        self.beyond = bool(self.values[0] < 0 or self.values[-1] > 1)

    def counts(
        self, y_true: Array, y_pred: Array, weight: Array | None, by_label: bool = False
    ) -> dict[str, Array]:
        """True and false positives and negatives at every threshold.

        Args:
            y_true, y_pred: of one shape; a score above a threshold is a positive.
            weight: of that shape, or None.
            by_label: whether the last axis stays.
        """
        positive = (y_true != 0).astype(y_pred.dtype)
        labels = jnp.stack([positive, 1 - positive], -1)  # (..., 2)
        labels = labels if weight is None else labels * weight[..., None]
        shape = (-1, y_pred.shape[-1]) if by_label else (-1, 1)
        y_pred, labels = y_pred.reshape(shape), labels.reshape(*shape, 2)
        above = self._above_by_bucket(y_pred, labels) if self.even else self._above(y_pred, labels)
        above = above if by_label else above[:, 0]  # (thresholds, 2) or (thresholds, labels, 2)
        below = jnp.sum(labels, 0 if by_label else (0, 1))[None] - above
        return {TP: above[..., 0], FP: above[..., 1], FN: below[..., 0], TN: below[..., 1]}

    def _above(self, y_pred: Array, labels: Array) -> Array:
        """The labels of the scores above each threshold, summed."""
        limits = jnp.asarray(self.values, y_pred.dtype)[:, None, None]
        return jnp.sum(jnp.where((y_pred[None] > limits)[..., None], labels[None], 0), 1)

    def _above_by_bucket(self, y_pred: Array, labels: Array) -> Array:
        """The same for even thresholds: each score falls into the bucket below it, sums run from the top."""
        count = len(self.values)
        bucket = jnp.ceil(jnp.clip(y_pred, 0.0, 1.0) * (count - 1)) - 1
        bucket = (jax.nn.relu(bucket) if self.beyond else bucket).astype(jnp.int32)
        places = jnp.where(bucket < 0, count, bucket)  # below the first threshold: nowhere
        columns = lax.broadcasted_iota(jnp.int32, bucket.shape, 1)
        empty = jnp.zeros((count, y_pred.shape[1], 2), labels.dtype)
        filled = empty.at[places, columns].add(labels, mode="drop")
        return jnp.flip(jnp.cumsum(jnp.flip(filled, 0), 0), 0)


def prepared(
    y_true: Array, y_pred: Array, weight: Array | None, top_k: int | None = None, class_id: int | None = None
) -> tuple[Array, Array, Array | None]:
    """Targets, scores and weights of one shape, of the best scores or of one class only if that is wanted."""
    y_pred, y_true = same_rank(y_pred, y_true)
    if weight is not None:
        weight = weight.reshape(weight.shape + (1,) * (y_pred.ndim - weight.ndim))
    if top_k is not None:
        best = lax.top_k(y_pred, top_k)[1]
        kept = jnp.sum(jax.nn.one_hot(best, y_pred.shape[-1], dtype=y_pred.dtype), -2)
        y_pred = y_pred * kept + _LOWEST * (1 - kept)
    if class_id is not None:
        if y_pred.ndim == 1:
            raise ValueError(
                f"`class_id` needs predictions of shape (batch, classes); got one of shape {y_pred.shape}."
            )
        y_true, y_pred = y_true[..., class_id, None], y_pred[..., class_id, None]
        if weight is not None and weight.shape[-1] > 1:
            weight = weight[..., class_id, None]
    return y_true, y_pred, weight if weight is None else jnp.broadcast_to(weight, y_pred.shape)


def thresholds_of(given: Any, default: float) -> list[float]:
    """The argument `thresholds` as a list.

    Raises:
        ValueError: one is not in [0, 1].
    """
    if given is None:
        return [default]
    values: list[Any] = np.ravel(given).tolist() if np.ndim(given) else [given]
    wrong = [t for t in values if t is None or not 0 <= t <= 1]
    if wrong:
        raise ValueError(f"Thresholds should be in [0, 1]; got {wrong}.")
    return [float(t) for t in values]


class ThresholdMetric(Metric):
    """The base of metrics of the counts at thresholds: it keeps those of `kept`.

    Args:
        thresholds: a number or a list of numbers; with several the value is an array.
        top_k: of each sample only the k largest scores count as predicted, unless a threshold is given.
        class_id: the only class that is looked at.
        name, dtype: see `Metric`.
    """

    kept: ClassVar[tuple[str, ...]] = ()
    arguments = ("thresholds", "top_k", "class_id")

    def __init__(
        self,
        thresholds: float | Sequence[float] | None = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ):
        super().__init__(dtype, name)
        self.thresholds, self.top_k, self.class_id = thresholds, top_k, class_id
        self._at = Thresholds(thresholds_of(thresholds, 0.5 if top_k is None else _LOWEST))
        for count in self.kept:
            setattr(self, count, self.add_variable(self._at.values.shape, name=count))

    def sums(self, y_true: Array, y_pred: Array, weight: Array | None) -> dict[str, Array]:
        """The numbers that are summed over the batches."""
        y_true, y_pred = y_true.astype(self.dtype), y_pred.astype(self.dtype)
        counts = self._at.counts(*prepared(y_true, y_pred, weight, self.top_k, self.class_id))
        return {name: counts[name] for name in self.kept}

    def of(self, sums: dict[str, Array]) -> Array:
        """The value, from the sums."""
        value = self.share(sums)
        return value[0] if len(value) == 1 else value

    def share(self, counts: dict[str, Array]) -> Array:
        """The value at every threshold."""
        return counts[self.kept[0]]


class _Count(ThresholdMetric):
    arguments = ("thresholds",)

    def __init__(
        self,
        thresholds: float | Sequence[float] | None = None,
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ):
        super().__init__(thresholds, name=name, dtype=dtype)


class TruePositives(_Count):
    """The number, or weight, of positives that are predicted as such.

    Args:
        thresholds: scores above count as positive; default 0.5. With several the value is an array.
        name, dtype: see `Metric`.

    Example:
        >>> metric = TruePositives()
        >>> metric.update_state([0, 1, 1], [0.2, 0.7, 0.3])
        >>> float(metric.result())
        1.0

    Keras 3: keras/src/metrics/confusion_metrics.py TruePositives
    """

    kept = (TP,)


class FalsePositives(_Count):
    """The number, or weight, of negatives that are predicted as positives.

    Args:
        thresholds, name, dtype: see `TruePositives`.

    Example:
        >>> metric = FalsePositives()
        >>> metric.update_state([0, 1, 1], [0.8, 0.7, 0.3])
        >>> float(metric.result())
        1.0

    Keras 3: keras/src/metrics/confusion_metrics.py FalsePositives
    """

    kept = (FP,)


class TrueNegatives(_Count):
    """The number, or weight, of negatives that are predicted as such.

    Args:
        thresholds, name, dtype: see `TruePositives`.

    Example:
        >>> metric = TrueNegatives()
        >>> metric.update_state([0, 1, 1], [0.2, 0.7, 0.3])
        >>> float(metric.result())
        1.0

    Keras 3: keras/src/metrics/confusion_metrics.py TrueNegatives
    """

    kept = (TN,)


class FalseNegatives(_Count):
    """The number, or weight, of positives that are predicted as negatives.

    Args:
        thresholds, name, dtype: see `TruePositives`.

    Example:
        >>> metric = FalseNegatives()
        >>> metric.update_state([0, 1, 1], [0.2, 0.7, 0.3])
        >>> float(metric.result())
        1.0

    Keras 3: keras/src/metrics/confusion_metrics.py FalseNegatives
    """

    kept = (FN,)


class Precision(ThresholdMetric):
    """The share of what is predicted as positive that is positive.

    Args:
        thresholds: scores above count as positive; default 0.5. With several the value is an array.
        top_k: of each sample only the k largest scores count as positive.
        class_id: the only class that is looked at.
        name, dtype: see `Metric`.

    Example:
        >>> metric = Precision()
        >>> metric.update_state([0, 1, 1], [0.8, 0.7, 0.3])
        >>> float(metric.result())
        0.5

    Keras 3: keras/src/metrics/confusion_metrics.py Precision
    """

    rises = True

    kept = (TP, FP)

    def share(self, counts: dict[str, Array]) -> Array:
        return divided(counts[TP], counts[TP] + counts[FP])


class Recall(ThresholdMetric):
    """The share of positives that is predicted as positive.

    Args:
        thresholds, top_k, class_id: see `Precision`.
        name, dtype: see `Metric`.

    Example:
        >>> metric = Recall()
        >>> metric.update_state([0, 1, 1], [0.8, 0.7, 0.3])
        >>> float(metric.result())
        0.5

    Keras 3: keras/src/metrics/confusion_metrics.py Recall
    """

    rises = True

    kept = (TP, FN)

    def share(self, counts: dict[str, Array]) -> Array:
        return divided(counts[TP], counts[TP] + counts[FN])

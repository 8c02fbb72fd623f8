"""Scores of all outputs over all samples: F scores of classes, the coefficient of determination."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import jax.numpy as jnp
from jax.typing import DTypeLike

from jkeras.core.settings import epsilon
from jkeras.core.types import Array
from jkeras.losses.loss import same_rank
from jkeras.metrics.metric import Metric


def _two_axes(metric: Metric, y_true: Array, y_pred: Array) -> None:
    if y_true.ndim != 2 or y_pred.ndim != 2:
        raise ValueError(
            f"{type(metric).__name__} needs targets and predictions of shape (batch, outputs); got "
            f"{y_true.shape} and {y_pred.shape}."
        )


class FBetaScore(Metric):
    """(1 + beta²) precision * recall / (beta² precision + recall) of each class.

    Args:
        average: None: a value for each class; "micro": of all counts together; "macro": the mean of the
            classes; "weighted": their mean weighted by how often they are true.
        beta: weight of the recall.
        threshold: scores above count as predicted; None: the largest score of a sample does.
        name, dtype: see `Metric`.

    Raises:
        ValueError: another average, a beta that is not above 0, a threshold outside of (0, 1].

    Example:
        >>> metric = FBetaScore(average="micro", beta=2.0, threshold=0.5)
        >>> metric.update_state([[1, 1], [1, 0]], [[0.2, 0.6], [0.6, 0.8]])
        >>> round(float(metric.result()), 4)
        0.6667

    Keras 3: keras/src/metrics/f_score_metrics.py FBetaScore
    """

    rises = True

    arguments = ("average", "beta", "threshold")

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = "fbeta_score",
        dtype: DTypeLike | None = None,
    ):
        super().__init__(dtype, name)
        if average not in (None, "micro", "macro", "weighted"):
            raise ValueError(f"`average` should be None, 'micro', 'macro' or 'weighted'; got {average!r}.")
        if beta <= 0 or (threshold is not None and not 0 < threshold <= 1):
            raise ValueError(
                f"`beta` should be above 0 and `threshold` in (0, 1]; got {beta!r} and {threshold!r}."
            )
        self.average, self.beta, self.threshold = average, beta, threshold

    def sums(self, y_true: Array, y_pred: Array, weight: Array | None) -> dict[str, Array]:
        """The numbers that are summed over the batches."""
        y_true, y_pred = y_true.astype(self.dtype), y_pred.astype(self.dtype)
        _two_axes(self, y_true, y_pred)
        if self.threshold is None:
            chosen = (y_pred >= jnp.max(y_pred, -1, keepdims=True)) & (jnp.abs(y_pred) > 1e-9)
        else:
            chosen = y_pred > self.threshold
        chosen = chosen.astype(self.dtype)

        if weight is not None and weight.size != len(y_true):
            raise ValueError(
                f"Metric {self.name!r} weighs rows: `sample_weight` should have {len(y_true)} numbers; got "
                f"shape {weight.shape}."
            )

        def summed(values: Array) -> Array:
            values = values if weight is None else values * weight.reshape(-1, 1)
            return jnp.sum(values, None if self.average == "micro" else 0)

        return {
            "true_positives": summed(chosen * y_true),
            "false_positives": summed(chosen * (1 - y_true)),
            "false_negatives": summed((1 - chosen) * y_true),
            "intermediate_weights": summed(y_true),
        }

    def of(self, sums: dict[str, Array]) -> Array:
        """The value, from the sums."""
        if not sums:
            return jnp.zeros((), self.dtype)
        hits, wrong, missed = (sums[n] for n in ("true_positives", "false_positives", "false_negatives"))
        precision, recall = hits / (hits + wrong + epsilon()), hits / (hits + missed + epsilon())
        square = self.beta**2
        score = precision * recall / (square * precision + recall + epsilon()) * (1 + square)
        if self.average == "weighted":
            often = sums["intermediate_weights"]
            return jnp.sum(score * often / (jnp.sum(often) + epsilon()))
        return score if self.average is None else jnp.mean(score)


class F1Score(FBetaScore):
    """2 precision * recall / (precision + recall) of each class.

    Args:
        average, threshold: see `FBetaScore`.
        name, dtype: see `Metric`.

    Example:
        >>> metric = F1Score(average="micro", threshold=0.5)
        >>> metric.update_state([[1, 1], [1, 0]], [[0.2, 0.6], [0.6, 0.8]])
        >>> round(float(metric.result()), 4)
        0.6667

    Keras 3: keras/src/metrics/f_score_metrics.py F1Score
    """

    arguments = ("average", "threshold")

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str | None = "f1_score",
        dtype: DTypeLike | None = None,
    ):
        super().__init__(average, 1.0, threshold, name, dtype)


class R2Score(Metric):
    """1 - sum of squared errors / sum of squared distances of the targets from their mean.

    Args:
        class_aggregation: "uniform_average": the mean of the outputs; "variance_weighted_average": weighted
            by the variance of their targets; None: a value for each output.
        num_regressors: number of independent regressors, for the adjusted score; 0: the plain one.
        name, dtype: see `Metric`.

    Raises:
        ValueError: another aggregation, or a negative number.

    Example:
        >>> metric = R2Score()
        >>> metric.update_state([[1.0], [4.0], [3.0]], [[2.0], [4.0], [4.0]])
        >>> round(float(metric.result()), 4)
        0.5714

    Keras 3: keras/src/metrics/regression_metrics.py R2Score
    """

    rises = True

    arguments = ("class_aggregation", "num_regressors")

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str | None = "r2_score",
        dtype: DTypeLike | None = None,
    ):
        super().__init__(dtype, name)
        if class_aggregation not in (None, "uniform_average", "variance_weighted_average"):
            raise ValueError(
                "R2Score: `class_aggregation` should be None, 'uniform_average' or "
                f"'variance_weighted_average'; got {class_aggregation!r}."
            )
        if num_regressors < 0:
            raise ValueError(f"R2Score: `num_regressors` should be at least 0; got {num_regressors!r}.")
        self.class_aggregation, self.num_regressors = class_aggregation, num_regressors

    def sums(self, y_true: Array, y_pred: Array, weight: Array | None) -> dict[str, Array]:
        """The numbers that are summed over the batches."""
        y_true, y_pred = same_rank(y_true.astype(self.dtype), y_pred.astype(self.dtype))
        _two_axes(self, y_true, y_pred)
        weight = jnp.ones((), self.dtype) if weight is None else weight.reshape(len(weight), -1)
        weight = jnp.broadcast_to(weight, y_true.shape)
        return {
            "num_samples": jnp.sum(self.ctx.kept(jnp.ones(y_true.shape, self.dtype))),
            "squared_sum": jnp.sum(y_true * y_true * weight, 0),
            "sum": jnp.sum(y_true * weight, 0),
            "total_mse": jnp.sum(jnp.square(y_true - y_pred) * weight, 0),
            "count": jnp.sum(weight, 0),
        }

    def of(self, sums: dict[str, Array]) -> Array:
        """The value, from the sums."""
        if not sums:
            return jnp.zeros((), self.dtype)
        total = sums["squared_sum"] - sums["sum"] * sums["sum"] / sums["count"]
        score = 1 - sums["total_mse"] / total
        score = jnp.where(jnp.isinf(score), 0.0, score)
        if self.class_aggregation == "uniform_average":
            score = jnp.mean(score)
        elif self.class_aggregation is not None:
            score = jnp.sum(total * score) / jnp.sum(total)
        free = sums["num_samples"] - self.num_regressors - 1
        if not self.num_regressors:
            return score
        adjusted = 1 - (1 - score) * (sums["num_samples"] - 1) / jnp.where(free > 0, free, 1)
        return jnp.where(free > 0, adjusted, score)  # with too few samples the plain score

"""Metrics of the whole curve over all thresholds: the area below it, and one rate at another."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from jkeras.core.settings import epsilon
from jkeras.core.types import Array
from jkeras.metrics.confusion import FN, FP, TN, TP, Thresholds, prepared
from jkeras.metrics.metric import Metric
from jkeras.metrics.reductions import divided

_CURVES = ("ROC", "PR", "PRGAIN")
_SUMMATIONS = ("interpolation", "majoring", "minoring")


def _between(count: int) -> list[float]:
    return [(i + 1) * 1.0 / (count - 1) for i in range(count - 2)]


class AUC(Metric):
    """The area below a curve of two rates over all thresholds, approximated by those given.

    Args:
        num_thresholds: how many, evenly from 0 to 1.
        curve: "ROC" (recall over the rate of false positives), "PR" (precision over recall) or "PRGAIN".
        summation_method: "interpolation" between thresholds, or a bound from above, "majoring", or from
            below, "minoring".
        name, dtype: see `Metric`.
        thresholds: thresholds between 0 and 1 instead.
        multi_label: whether labels, the last axis, have a curve each, whose areas are averaged.
        num_labels: how many, with `multi_label`.
        label_weights: of the labels.
        from_logits: whether predictions are logits.

    Raises:
        ValueError: an unknown curve or summation, or fewer than two thresholds.

    Example:
        >>> metric = AUC(num_thresholds=3)
        >>> metric.update_state([0, 0, 1, 1], [0, 0.5, 0.3, 0.9])
        >>> round(float(metric.result()), 4)
        0.75

    Keras 3: keras/src/metrics/confusion_metrics.py AUC
    """

    rises = True

    arguments = (
        "num_thresholds",
        "curve",
        "summation_method",
        "multi_label",
        "num_labels",
        "label_weights",
        "from_logits",
    )

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: DTypeLike | None = None,
        thresholds: Sequence[float] | None = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Sequence[float] | None = None,
        from_logits: bool = False,
    ):
        super().__init__(dtype, name)
        self.curve, self.summation_method = str(curve).upper(), str(summation_method).lower()
        if self.curve not in _CURVES or self.summation_method not in _SUMMATIONS:
            raise ValueError(
                f"AUC: `curve` should be one of {', '.join(_CURVES)} and `summation_method` one of "
                f"{', '.join(_SUMMATIONS)}; got {curve!r} and {summation_method!r}."
            )
        if thresholds is None and num_thresholds <= 1:
            raise ValueError(f"AUC: `num_thresholds` should be at least 2; got {num_thresholds!r}.")
        if num_labels and not multi_label:
            raise ValueError("AUC: `num_labels` goes with `multi_label=True`.")
        inner = _between(num_thresholds) if thresholds is None else sorted(map(float, thresholds))
        self._given, self.num_thresholds = thresholds, len(inner) + 2
        self._at = Thresholds([0.0 - epsilon(), *inner, 1.0 + epsilon()])
        self.multi_label, self.num_labels = multi_label, num_labels
        self.label_weights, self.from_logits = label_weights, from_logits
        shape = (self.num_thresholds, num_labels) if multi_label else (self.num_thresholds,)
        if None not in shape:
            for count in (TP, FP, TN, FN):
                setattr(self, count, self.add_variable([n for n in shape if n], name=count))

    @property
    def thresholds(self) -> list[float]:
        """All thresholds, with those just below 0 and above 1."""
        return self._at.values.tolist()

    def sums(self, y_true: Array, y_pred: Array, weight: Array | None) -> dict[str, Array]:
        """The numbers that are summed over the batches."""
        y_pred = y_pred.astype(self.dtype)
        y_pred = jax.nn.sigmoid(y_pred) if self.from_logits else y_pred
        y_true, y_pred, weight = prepared(y_true.astype(self.dtype), y_pred, weight)
        if self.label_weights is not None and not self.multi_label:
            labels = jnp.broadcast_to(jnp.asarray(self.label_weights, self.dtype), y_pred.shape)
            weight = labels if weight is None else weight * labels
        counts = self._at.counts(y_true, y_pred, weight, self.multi_label)
        return {name: counts[name] for name in (TP, FP, TN, FN)}

    def of(self, sums: dict[str, Array]) -> Array:
        """The value, from the sums."""
        if not sums:
            return jnp.zeros((), self.dtype)
        exact = self.curve == "PR" and self.summation_method == "interpolation"
        areas = jnp.sum(_interpolated(sums) if exact else self._stripes(sums), 0)
        if not self.multi_label:
            return areas
        if self.label_weights is None:
            return jnp.mean(areas)
        weights = jnp.asarray(self.label_weights, self.dtype)
        return divided(jnp.sum(areas * weights), jnp.sum(weights))

    def _stripes(self, counts: dict[str, Array]) -> Array:
        """The areas between neighbouring thresholds."""
        x, y = _points(counts, self.curve)
        left, right = y[:-1], y[1:]
        heights = {"interpolation": (left + right) / 2.0}.get(self.summation_method)
        if heights is None:
            heights = (jnp.minimum if self.summation_method == "minoring" else jnp.maximum)(left, right)
        return (x[:-1] - x[1:]) * heights

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this metric anew."""
        told = super().get_config()
        return told if self._given is None else {**told, "thresholds": self.thresholds[1:-1]}


def _points(counts: dict[str, Array], curve: str) -> tuple[Array, Array]:
    """The x and y of a curve at every threshold."""
    tp, fp, tn, fn = (counts[name] for name in (TP, FP, TN, FN))
    recall = divided(tp, tp + fn)
    if curve == "ROC":
        return divided(fp, fp + tn), recall
    if curve == "PR":
        return recall, divided(tp, tp + fp)
    odds = divided(tp + fn, tn + fp)
    recall_gain = jnp.where(tp == 0, 0.0, 1.0 - odds * divided(fn, tp))
    return jnp.maximum(recall_gain, 0.0), jnp.where(tp == 0, 1.0, 1.0 - odds * divided(fp, tp))


def _interpolated(counts: dict[str, Array]) -> Array:
    """The areas below precision over recall, whose points lie on hyperbolas (Davis and Goadrich 2006)."""
    tp, fp, fn = counts[TP], counts[FP], counts[FN]
    p = tp + fp
    dtp, dp = tp[:-1] - tp[1:], p[:-1] - p[1:]
    slope = divided(dtp, jnp.maximum(dp, 0))
    start = tp[1:] - slope * p[1:]
    both = (p[:-1] > 0) & (p[1:] > 0)
    ratio = jnp.where(both, divided(p[:-1], jnp.maximum(p[1:], 0)), 1.0)
    return divided(slope * (dtp + start * jnp.log(ratio)), jnp.maximum(tp[1:] + fn[1:], 0))


class RateAtRate(Metric):
    """The base of metrics that are the largest value of one rate where another one is large enough."""

    rises = True

    limit: ClassVar[str]  # the argument that says how large
    rates: ClassVar[tuple[tuple[str, str], tuple[str, str]]]  # what is limited, what is told: counts of each

    def __init__(
        self,
        least: float,
        num_thresholds: int,
        class_id: int | None,
        name: str | None,
        dtype: DTypeLike | None,
    ):
        super().__init__(dtype, name)
        if not 0 <= least <= 1 or num_thresholds <= 0:
            raise ValueError(
                f"{type(self).__name__}: `{self.limit}` should be in [0, 1] and `num_thresholds` above 0; "
                f"got {least!r} and {num_thresholds!r}."
            )
        setattr(self, self.limit, least)
        self.num_thresholds, self.class_id = num_thresholds, class_id
        self._at = Thresholds([0.5] if num_thresholds == 1 else [0.0, *_between(num_thresholds), 1.0])
        for count in (TP, FP, TN, FN):
            setattr(self, count, self.add_variable(self._at.values.shape, name=count))

    def sums(self, y_true: Array, y_pred: Array, weight: Array | None) -> dict[str, Array]:
        """The numbers that are summed over the batches."""
        y_true, y_pred = y_true.astype(self.dtype), y_pred.astype(self.dtype)
        counts = self._at.counts(*prepared(y_true, y_pred, weight, None, self.class_id))
        return {name: counts[name] for name in (TP, FP, TN, FN)}

    def of(self, sums: dict[str, Array]) -> Array:
        """The value, from the sums."""
        limited, told = (divided(sums[a], sums[a] + sums[b]) for a, b in self.rates)
        return jnp.max(jnp.where(limited >= getattr(self, self.limit), told, 0), initial=0)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this metric anew."""
        names = ("num_thresholds", "class_id", self.limit)
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


_SENSITIVITY, _SPECIFICITY, _PRECISION = (TP, FN), (TN, FP), (TP, FP)


class SensitivityAtSpecificity(RateAtRate):
    """The largest share of positives found where at least a given share of negatives is.

    Args:
        specificity: the share of negatives that are predicted as such, in [0, 1].
        num_thresholds: how many thresholds are looked at, evenly from 0 to 1.
        class_id: the only class that is looked at.
        name, dtype: see `Metric`.

    Raises:
        ValueError: it is not in [0, 1].

    Example:
        >>> metric = SensitivityAtSpecificity(0.5)
        >>> metric.update_state([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8])
        >>> round(float(metric.result()), 4)
        0.5

    Keras 3: keras/src/metrics/confusion_metrics.py SensitivityAtSpecificity
    """

    limit, rates = "specificity", (_SPECIFICITY, _SENSITIVITY)

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ):
        super().__init__(specificity, num_thresholds, class_id, name, dtype)


class SpecificityAtSensitivity(RateAtRate):
    """The largest share of negatives found where at least a given share of positives is.

    Args:
        sensitivity: the share of positives that are predicted as such, in [0, 1].
        num_thresholds: how many thresholds are looked at, evenly from 0 to 1.
        class_id: the only class that is looked at.
        name, dtype: see `Metric`.

    Raises:
        ValueError: it is not in [0, 1].

    Example:
        >>> metric = SpecificityAtSensitivity(0.5)
        >>> metric.update_state([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8])
        >>> round(float(metric.result()), 4)
        0.6667

    Keras 3: keras/src/metrics/confusion_metrics.py SpecificityAtSensitivity
    """

    limit, rates = "sensitivity", (_SENSITIVITY, _SPECIFICITY)

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ):
        super().__init__(sensitivity, num_thresholds, class_id, name, dtype)


class PrecisionAtRecall(RateAtRate):
    """The largest precision where the recall is at least a given one.

    Args:
        recall: the recall, in [0, 1].
        num_thresholds: how many thresholds are looked at, evenly from 0 to 1.
        class_id: the only class that is looked at.
        name, dtype: see `Metric`.

    Raises:
        ValueError: it is not in [0, 1].

    Example:
        >>> metric = PrecisionAtRecall(0.5)
        >>> metric.update_state([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8])
        >>> round(float(metric.result()), 4)
        0.5

    Keras 3: keras/src/metrics/confusion_metrics.py PrecisionAtRecall
    """

    limit, rates = "recall", (_SENSITIVITY, _PRECISION)

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ):
        super().__init__(recall, num_thresholds, class_id, name, dtype)


class RecallAtPrecision(RateAtRate):
    """The largest recall where the precision is at least a given one.

    Args:
        precision: the precision, in [0, 1].
        num_thresholds: how many thresholds are looked at, evenly from 0 to 1.
        class_id: the only class that is looked at.
        name, dtype: see `Metric`.

    Raises:
        ValueError: it is not in [0, 1].

    Example:
        >>> metric = RecallAtPrecision(0.5)
        >>> metric.update_state([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8])
        >>> round(float(metric.result()), 4)
        1.0

    Keras 3: keras/src/metrics/confusion_metrics.py RecallAtPrecision
    """

    limit, rates = "precision", (_PRECISION, _SENSITIVITY)

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ):
        super().__init__(precision, num_thresholds, class_id, name, dtype)
